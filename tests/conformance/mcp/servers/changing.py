"""A server of the older protocol that changes a tool, a resource and its mind, and writes down what reached it."""

import json
import sys

PLAIN = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
OTHER = {"type": "object", "properties": {"words": {"type": "array"}}, "required": ["words"], "additionalProperties": False}
EMPTY = {"type": "object"}

changed = False
subscribed: set[str] = set()


def say(message):
    print(json.dumps({"jsonrpc": "2.0"} | message), flush=True)


def call(name):
    global changed
    if name == "change":
        changed = True
        say({"method": "notifications/tools/list_changed"})
    if name == "touch":
        for uri in sorted(subscribed):
            say({"method": "notifications/resources/updated", "params": {"uri": uri}})
    return {"content": [{"type": "text", "text": name}]}


def answer(method, params):
    match method:
        case "initialize":
            can = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
            info = {"name": "changing", "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": can, "serverInfo": info}
        case "tools/list":
            schemas = {"echo": OTHER if changed else PLAIN, "change": EMPTY, "touch": EMPTY}
            return {"tools": [{"name": name, "inputSchema": schema} for name, schema in schemas.items()]}
        case "tools/call":
            return call(params["name"])
        case "resources/subscribe":
            subscribed.add(params["uri"])
            return {}
        case "resources/unsubscribe":
            subscribed.discard(params["uri"])
            return {}
        case "resources/list":
            return {"resources": [{"uri": "note://one", "name": "one"}]}
        case "resources/templates/list":
            return {"resourceTemplates": []}
        case "acme/hello" | "tools/hello":
            return {"hello": params.get("name")}


for line in sys.stdin:
    message = json.loads(line)
    with open(sys.argv[1], "a", encoding="utf-8") as reached:
        reached.write(line)
    if "id" not in message:
        continue
    result = answer(message["method"], message.get("params", {}))
    if result is None:
        say({"id": message["id"], "error": {"code": -32601, "message": "no such method"}})
    else:
        say({"id": message["id"], "result": result})
