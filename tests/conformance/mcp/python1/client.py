"""The official Python client of the older line: what it finds behind a command, as JSON.

Runs in an environment of its own, because both lines have the same name.
"""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(command: list[str], calls: list) -> dict:
    progress = []

    async def heard(done, total, message):
        progress.append([done, total, message])

    async with stdio_client(StdioServerParameters(command=command[0], args=command[1:])) as (read, write):
        async with ClientSession(read, write) as session:
            begun = await session.initialize()
            found = {
                "version": begun.protocolVersion,
                "server": begun.serverInfo.name,
                "tools": [tool.name for tool in (await session.list_tools()).tools],
                "calls": [],
            }
            for tool, arguments in calls:
                try:
                    result = await session.call_tool(tool, arguments, progress_callback=heard)
                    found["calls"].append(result.model_dump(mode="json", by_alias=True, exclude_none=True))
                except Exception as error:
                    found["calls"].append(f"{type(error).__name__}: {error}")
            return found | {"progress": progress}


if __name__ == "__main__":
    command, calls = json.loads(sys.stdin.read())
    print(json.dumps(asyncio.run(main(command, calls))))
