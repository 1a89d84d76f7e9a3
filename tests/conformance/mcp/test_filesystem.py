"""The filesystem server cannot be walked out of a folder, by any of the ways to write a path."""

import pytest
from mcp.client.client import Client

from gate import filesystem, gated, stdio, write

pytestmark = pytest.mark.anyio

SECRET = "the secret outside"


@pytest.fixture
def world(tmp_path):
    """A folder that may be read, inside one that the server itself would read all of."""
    root = tmp_path / "root"
    docs = root / "docs"
    (docs / "deep").mkdir(parents=True)
    (docs / "a.txt").write_text("inside")
    (docs / "deep" / "b.txt").write_text("deep inside")
    for outside in (root / "secret.txt", tmp_path / "secret.txt", root / "docs-other.txt", root / "DOCS.txt"):
        outside.write_text(SECRET)
    (root / "docs2").mkdir()
    (root / "docs2" / "secret.txt").write_text(SECRET)
    (root / "link").symlink_to(root / "secret.txt")
    policy = write(
        tmp_path,
        f"""
version: 1
records: none
roles:
  - name: reader
    allowed_mcp_servers: [server]
    allowed_tools: [read_text_file, read_multiple_files, list_directory]
    parameter_constraints:
      read_text_file: [{{field: path, operator: path_within, value: {docs}}}]
      list_directory: [{{field: path, operator: path_within, value: {docs}}}]
      read_multiple_files: [{{field: "paths[*]", operator: path_within, value: {docs}}}]
""",
    )
    return root, docs, gated(policy, filesystem(root))


def text(result) -> str:
    return "".join(getattr(block, "text", "") for block in result.content)


# Odd names, and no more than that: whoever reads them as they stand stays in the folder.
LITERAL = {
    "overlong": "%c0%ae%c0%ae/secret.txt",
    "fullwidth slash": "\uff0f..\uff0fsecret.txt",
    "one-dot leader": "\u2024\u2024/secret.txt",
    "two-dot leader": "\u2025/secret.txt",
    "fullwidth dots": "\uff0e\uff0e/secret.txt",
    "zero width": ".\u200b./secret.txt",
    "division slash": "..\u2215secret.txt",
}


def tricks(root, docs) -> dict[str, object]:
    """Ways to write `root/secret.txt` and its like, so that they look as if they were in `docs`."""
    up = f"{docs}/../secret.txt"
    return {
        "outside": f"{root}/secret.txt",
        "dots": up,
        "dots behind a name": f"{docs}/deep/../../secret.txt",
        "many dots": f"{docs}/" + "../" * 40 + str(root / "secret.txt").lstrip("/"),
        "dots with a dot": f"{docs}/./../secret.txt",
        "double slash": f"{docs}//..//secret.txt",
        "leading double slash": f"/{root}/secret.txt",
        "percent": f"{docs}/%2e%2e/secret.txt",
        "percent, upper": f"{docs}/%2E%2E/secret.txt",
        "percent slash": f"{docs}/..%2fsecret.txt",
        "percent twice": f"{docs}/%252e%252e/secret.txt",
        "backslash": f"{docs}\\..\\secret.txt",
        "mixed slashes": f"{docs}/..\\secret.txt",
        "NUL": f"{docs}/a.txt\0/../../secret.txt",
        "NUL at the end": f"{root}/secret.txt\0{docs}",
        "newline": f"{root}/secret.txt\n{docs}/a.txt",
        "sibling": f"{docs}2/secret.txt",
        "sibling file": f"{docs}-other.txt",
        "case": f"{root}/DOCS/../secret.txt",
        "another case": f"{root}/Docs.txt",
        "relative": "../secret.txt",
        "relative to here": "secret.txt",
        "home": "~/secret.txt",
        "variable": "$HOME/secret.txt",
        "address": f"file://{root}/secret.txt",
        "address that looks inside": f"file://{docs}/../secret.txt",
        "look-alike folder": f"{root}/d\u043ecs/../secret.txt",
        "link": f"{root}/link",
        "link, by dots": f"{docs}/../link",
        "list": [up],
        "number": 7,
        "null": None,
        "object": {"path": up},
        "empty": "",
    }


async def test_inside_is_read(world):
    _, docs, command = world
    async with Client(stdio(command)) as client:
        assert text(await client.call_tool("read_text_file", {"path": f"{docs}/a.txt"})) == "inside"
        assert text(await client.call_tool("read_text_file", {"path": f"{docs}/deep/b.txt"})) == "deep inside"
        assert "a.txt" in text(await client.call_tool("list_directory", {"path": f"{docs}"}))
        both = {"paths": [f"{docs}/a.txt", f"{docs}/deep/b.txt"]}
        assert "deep inside" in text(await client.call_tool("read_multiple_files", both))


async def test_the_server_alone_would_hand_it_out(world):
    root, docs, _ = world
    async with Client(stdio(filesystem(root))) as client:
        for path in (f"{root}/secret.txt", f"{docs}/../secret.txt", f"{docs}//..//secret.txt", f"{root}/link"):
            assert text(await client.call_tool("read_text_file", {"path": path})) == SECRET


async def test_no_way_to_write_a_path_leads_out(world):
    root, docs, command = world
    async with Client(stdio(command)) as client:
        for trick, path in tricks(root, docs).items():
            calls = [
                ("read_text_file", {"path": path}),
                ("read_multiple_files", {"paths": [path]}),
                ("read_multiple_files", {"paths": [f"{docs}/a.txt", path]}),
                ("list_directory", {"path": path}),
            ]
            for tool, arguments in calls:
                answer = await client.call_tool(tool, arguments)
                assert answer.is_error, (trick, tool, text(answer))
                # Refused before the server saw it: nothing of what is inside comes either.
                assert SECRET not in text(answer) and "inside" not in text(answer), (trick, tool)
                assert answer.meta, (trick, tool, text(answer))


async def test_odd_names_stay_in_the_folder(world):
    _, docs, command = world
    async with Client(stdio(command)) as client:
        for name, path in LITERAL.items():
            answer = await client.call_tool("read_text_file", {"path": f"{docs}/{path}"})
            assert answer.is_error and SECRET not in text(answer), name
            # Refused by us, or not there: the server looked inside the folder and nowhere else.
            assert answer.meta or ("ENOENT" in text(answer) and f"{docs}/" in text(answer)), (name, text(answer))


async def test_a_second_name_for_the_path_does_not_help(world):
    root, docs, command = world
    inside, outside = f"{docs}/a.txt", f"{root}/secret.txt"
    async with Client(stdio(command)) as client:
        for other in ("Path", "PATH", "p\u0430th", "path "):
            answer = await client.call_tool("read_text_file", {"path": inside, other: outside})
            assert SECRET not in text(answer), other
            answer = await client.call_tool("read_text_file", {other: outside})
            assert answer.is_error and SECRET not in text(answer), other


async def test_a_link_inside_that_leads_out_is_the_servers_to_refuse(world, tmp_path):
    """A path is judged by its text: what lies behind it, only the server knows. It refuses what
    leads out of its own folder; a link between two of its folders is the operator's to avoid."""
    _, docs, command = world
    (docs / "out").symlink_to(tmp_path / "secret.txt")
    (docs / "up").symlink_to(tmp_path)
    async with Client(stdio(command)) as client:
        for path in (f"{docs}/out", f"{docs}/up/secret.txt"):
            answer = await client.call_tool("read_text_file", {"path": path})
            assert answer.is_error and SECRET not in text(answer)


async def test_tools_that_were_not_granted_do_not_exist(world):
    root, docs, command = world
    async with Client(stdio(command)) as client:
        shown = {tool.name for tool in (await client.list_tools()).tools}
        assert shown == {"read_text_file", "read_multiple_files", "list_directory"}
        for tool in ("write_file", "move_file", "read_file", "read_media_file", "directory_tree", "search_files"):
            with pytest.raises(Exception, match="not found"):
                await client.call_tool(tool, {"path": f"{docs}/a.txt", "content": "x"})
    assert (root / "docs" / "a.txt").read_text() == "inside"
