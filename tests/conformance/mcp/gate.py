"""Servers, with `scopegate mcp` in front of them and without."""

import os
import sys
from pathlib import Path

from mcp import StdioServerParameters

HERE = Path(__file__).parent
SCOPEGATE = os.environ["SCOPEGATE_BIN"]
NPM = Path(os.environ["MCP_NPM"]) / "node_modules"
# Each server with the packages it was written for.
PYTHON_1 = os.environ["MCP_PYTHON_1"]

EVERYTHING = ["node", str(NPM / ".bin/mcp-server-everything")]
TIME = [sys.executable, "-m", "mcp_server_time", "--local-timezone", "UTC"]
SMALL = [sys.executable, str(HERE / "servers/small.py")]
MODERN = [sys.executable, str(HERE / "servers/modern.py")]

# Everything that the servers of these tests have: what differs then is what the proxy itself changes.
OPEN = ["--open", "prompts,resources,completion"]
TOOLS = """
  echo get-annotated-message get-env get-resource-links get-resource-reference get-structured-content get-sum
  get-tiny-image gzip-file-as-resource toggle-simulated-logging toggle-subscriber-updates
  trigger-long-running-operation get-roots-list trigger-elicitation-request trigger-url-elicitation
  trigger-sampling-request simulate-research-query
  wipe environment steps sleep die speak ask get_current_time convert_time
""".split()
ALL = f"""
version: 1
records: none
roles:
  - name: all
    allowed_mcp_servers: [server]
    allowed_tools: [{", ".join(TOOLS)}]
"""


def filesystem(root) -> list[str]:
    return ["node", str(NPM / ".bin/mcp-server-filesystem"), str(root)]


def write(folder: Path, policy: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(policy)
    return path


def gated(policy: Path, server: list[str], *options: str) -> list[str]:
    """The command line of the proxy in front of a server."""
    before = [SCOPEGATE, "mcp", "--policy", str(policy), "--server-name", "server", *OPEN]
    return [*before, *options, "--", *server]


def stdio(command: list[str], **env: str) -> StdioServerParameters:
    return StdioServerParameters(command=command[0], args=command[1:], env=env or None)
