"""The four published role templates, created as they are and used through their hooks."""

import asyncio

import pytest
from scopebound import (
    DatabaseHook,
    FilesystemHook,
    GitHubHook,
    SlackHook,
    database_role_template,
    filesystem_role_template,
    github_role_template,
    slack_role_template,
)

from codes import denied, pending
from plane import fresh

VIOLATION, SCHEMA = "PARAMETER_VIOLATION", "MCP_ARGUMENT_SCHEMA_VIOLATION"


def wire(sdk, hook, template, *args, **kwargs):
    role = sdk.create_role(**template(fresh("template"), *args, **kwargs))
    return hook(sdk, role["id"])


class TestFilesystem:
    @pytest.fixture
    def hook(self, sdk):
        return wire(sdk, FilesystemHook, filesystem_role_template, ["/data/invoices/**", "/tmp/*"])

    @pytest.mark.parametrize(
        "path", ["/data/invoices", "/data/invoices/inv-001.pdf", "/data/invoices/a/b/c", "/tmp/x"]
    )
    def test_both_paths_are_usable(self, hook, path):
        hook("read_file", {"path": path})
        asyncio.run(hook.async_call("list_directory", {"path": path}))

    @pytest.mark.parametrize(
        "path",
        [
            "/etc/passwd",
            "/data/invoices-old/x",
            "/evil/data/invoices/x",
            "/tmp/a/b",
            "/tmpx",
            "/data",
            "",
            "data/invoices/x",
            "/data/invoices/../../etc/passwd",
            "/data/invoices/..",
            "/tmp/..",
            "/data/invoices/a\\..\\b",
            "/data/invoices/a\0b",
            "/data/invoices/x\n",
            "/DATA/invoices/x",
        ],
    )
    def test_no_other_path_is(self, hook, path):
        for tool in ("read_file", "list_directory"):
            denied(VIOLATION, hook, tool, {"path": path})

    def test_writing_waits_for_a_person(self, sdk, hook):
        call = ("write_file", {"path": "/tmp/x", "content": "hello"})
        sdk.approve(pending(hook, *call).approval_id)
        hook(*call)
        pending(hook, *call)
        pending(hook, "delete_file", {"path": "/tmp/x"})
        denied(VIOLATION, hook, "delete_file", {"path": "/etc/passwd"})

    def test_schemas_and_unknown_tools(self, hook):
        denied(SCHEMA, hook, "read_file", {})
        denied(SCHEMA, hook, "write_file", {"path": "/tmp/x"})
        denied("MCP_TOOL_NOT_FOUND", hook, "chmod", {"path": "/tmp/x"})

    def test_without_approval(self, sdk):
        template = dict(require_approval_for_writes=False)
        hook = wire(sdk, FilesystemHook, filesystem_role_template, ["/tmp/**"], **template)
        hook("write_file", {"path": "/tmp/x", "content": ""})

    def test_the_limit_of_the_template(self, sdk):
        hook = wire(sdk, FilesystemHook, filesystem_role_template, ["/tmp/**"], rate_limit_per_minute=1)
        hook("read_file", {"path": "/tmp/x"})
        denied("RATE_LIMIT_EXCEEDED/minute", hook, "read_file", {"path": "/tmp/x"})

    def test_it_is_for_its_server_alone(self, sdk):
        role = sdk.create_role(**filesystem_role_template(fresh("template"), ["/tmp/**"]))
        denied(
            "MCP_SERVER_UNAUTHORIZED",
            sdk.mcp_enforce,
            role["id"],
            "read_file",
            {"path": "/tmp/x"},
            mcp_server="github",
        )


class TestGitHub:
    @pytest.fixture
    def hook(self, sdk):
        return wire(sdk, GitHubHook, github_role_template, ["myorg/backend", "myorg/infra-*"])

    def push(self, hook, branch, repo="myorg/backend"):
        hook("push_commit", {"repo": repo, "branch": branch, "message": "fix", "files": []})

    @pytest.mark.parametrize("repo", ["myorg/backend", "myorg/infra-dns", "myorg/infra-"])
    def test_both_repositories_are_usable(self, hook, repo):
        hook("create_issue", {"repo": repo, "title": "Bug"})
        hook("read_file", {"repo": repo, "path": "README.md"})
        hook("create_pr", {"repo": repo, "title": "Fix", "head": "fix", "base": "main"})

    @pytest.mark.parametrize(
        "repo",
        ["other/backend", "myorg/backend2", "xmyorg/backend", "myorg/infra-a/b", "", "myorg/backend\n"],
    )
    def test_no_other_repository_is(self, hook, repo):
        denied(VIOLATION, hook, "create_issue", {"repo": repo, "title": "Bug"})
        denied(VIOLATION, self.push, hook, "fix", repo)

    @pytest.mark.parametrize("branch", ["fix", "feature/main", "mai", "Main", "production2", "dev-main"])
    def test_branches_it_may_push_to(self, hook, branch):
        self.push(hook, branch)

    @pytest.mark.parametrize(
        "branch", ["main", "master", "production", "main-2", "", "main\n", "fix\n", "fix\nmain"]
    )
    def test_branches_it_may_not_push_to(self, hook, branch):
        """The published pattern ends only its last name: `main-2` is refused, `production2` is not."""
        denied(VIOLATION, self.push, hook, branch)

    def test_merging_waits_for_a_person(self, sdk, hook):
        call = ("merge_pr", {"repo": "myorg/backend", "pr_number": 7, "merge_method": "squash"})
        sdk.approve(pending(hook, *call).approval_id)
        hook(*call)
        denied(VIOLATION, hook, "merge_pr", {"repo": "other/backend", "pr_number": 7})

    def test_schemas(self, hook):
        denied(SCHEMA, hook, "merge_pr", {"repo": "myorg/backend", "pr_number": "7"})
        denied(SCHEMA, hook, "merge_pr", {"repo": "myorg/backend", "pr_number": 7, "merge_method": "force"})
        denied("MCP_TOOL_NOT_FOUND", hook, "delete_repo", {"repo": "myorg/backend"})


class TestSlack:
    @pytest.fixture
    def hook(self, sdk):
        return wire(sdk, SlackHook, slack_role_template, ["#engineering", "C012AB3CD"])

    def test_channels(self, hook):
        for channel in ("#engineering", "C012AB3CD"):
            hook("post_to_channel", {"channel": channel, "text": "Deploy started"})
        for channel in ("#general", "engineering", "#Engineering", ""):
            denied(VIOLATION, hook, "post_to_channel", {"channel": channel, "text": "hi"})

    def test_listing_names_no_channel(self, hook):
        hook("list_channels", {})
        hook("list_channels", {"limit": 1_000_000})
        denied(SCHEMA, hook, "list_channels", {"limit": "all"})

    def test_messages_wait_for_a_person(self, sdk, hook):
        call = ("send_message", {"channel": "#engineering", "text": "hello"})
        sdk.reject(pending(hook, *call).approval_id)
        denied("APPROVAL_REJECTED", hook, *call)
        denied(VIOLATION, hook, "send_message", {"channel": "#general", "text": "hello"})


class TestDatabase:
    TABLES = ["invoices", "line_items"]

    def query(self, table="invoices", **more):
        return ("query", {"sql": "SELECT 1", "table": table, **more})

    def test_reading(self, sdk):
        hook = wire(sdk, DatabaseHook, database_role_template, self.TABLES, max_rows=100)
        hook(*self.query(limit=100))
        hook(*self.query("line_items"))
        hook("list_tables", {})
        denied("DATA_LIMIT_EXCEEDED", hook, *self.query(limit=101))
        denied(VIOLATION, hook, *self.query("salaries"))
        denied(VIOLATION, hook, "query", {"sql": "SELECT * FROM salaries"})
        denied(SCHEMA, hook, *self.query(limit="100"))

    def test_read_only_does_not_execute(self, sdk):
        hook = wire(sdk, DatabaseHook, database_role_template, self.TABLES)
        denied("SCOPE_VIOLATION", hook, "execute", {"sql": "DROP TABLE invoices", "table": "invoices"})
        denied("MCP_TOOL_NOT_FOUND", hook, "vacuum", {})

    def test_executing_waits_for_a_person(self, sdk):
        hook = wire(sdk, DatabaseHook, database_role_template, self.TABLES, read_only=False)
        call = ("execute", {"sql": "DELETE FROM invoices", "table": "invoices"})
        sdk.approve(pending(hook, *call).approval_id)
        hook(*call)
        pending(hook, *call)
        denied(VIOLATION, hook, "execute", {"sql": "DELETE FROM salaries", "table": "salaries"})
