"""A server of the older protocol that lists whatever stands in a file, and answers every call alike."""

import json
import sys

ANSWER = {"iban": "DE89370400440532013000", "note": "card 4111111111111111", "name": "ann"}

for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method, answer = message["method"], {"jsonrpc": "2.0", "id": message["id"]}
    if method == "initialize":
        version = message["params"]["protocolVersion"]
        info = {"name": "listed", "version": "1"}
        answer["result"] = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
    elif method == "tools/list":
        with open(sys.argv[1], encoding="utf-8") as tools:
            answer["result"] = {"tools": json.load(tools)}
    elif method == "tools/call":
        with open(sys.argv[1] + ".calls", "a", encoding="utf-8") as calls:
            calls.write(message["params"]["name"] + "\n")
        image = {"type": "image", "data": "REUx", "mimeType": "image/png"}
        content = [{"type": "text", "text": json.dumps(ANSWER)}, image]
        answer["result"] = {"content": content, "structuredContent": ANSWER}
    else:
        answer["error"] = {"code": -32601, "message": "no such method"}
    print(json.dumps(answer), flush=True)
