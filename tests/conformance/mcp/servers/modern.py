"""The small server again, by the newer protocol alone or over HTTP: `modern.py [PORT]`."""

import sys

from small import server

if __name__ == "__main__":
    match sys.argv[1:]:
        case [port]:
            server.run("streamable-http", host="127.0.0.1", port=int(port))
        case _:
            server.run("stdio")
