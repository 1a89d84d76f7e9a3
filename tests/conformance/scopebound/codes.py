"""Every deny code, with the severity and the retry guidance the contract gives it."""

import pytest
from scopebound import ScopeboundDenyError, ScopeboundPendingError

DENY_CODES = {
    "SCOPE_VIOLATION": ("medium", "none"),
    "PARAMETER_VIOLATION": ("high", "fix_arguments"),
    "ENV_VIOLATION": ("high", "none"),
    "TIME_VIOLATION": ("medium", "retry_later"),
    "DATA_LIMIT_EXCEEDED": ("high", "fix_arguments"),
    "DELEGATION_DEPTH_EXCEEDED": ("critical", "none"),
    "RATE_LIMIT_EXCEEDED/minute": ("medium", "retry_after_60s"),
    "RATE_LIMIT_EXCEEDED/hour": ("high", "retry_after_3600s"),
    "JWT_EXPIRED": ("low", "reprovision"),
    "SESSION_EXPIRED": ("low", "reprovision"),
    "JWT_INVALID": ("high", "none"),
    "MCP_SERVER_UNAUTHORIZED": ("high", "none"),
    "MCP_TOOL_NOT_FOUND": ("medium", "none"),
    "MCP_ARGUMENT_SCHEMA_VIOLATION": ("medium", "fix_arguments"),
    "MCP_RATE_LIMIT_EXCEEDED": ("medium", "retry_after_60s"),
    "MCP_SESSION_HIJACK": ("critical", "none"),
    "APPROVAL_REJECTED": ("high", "none"),
    "SESSION_REVOKED": ("medium", "none"),
    "INVALID_ARGUMENTS": ("high", "fix_arguments"),
    "ACTION_FORBIDDEN": ("high", "none"),
}


def denied(code: str, enforce, *args, **kwargs) -> ScopeboundDenyError:
    """The error of a call that has to be denied with `code`, its severity and its guidance."""
    with pytest.raises(ScopeboundDenyError) as caught:
        enforce(*args, **kwargs)
    error = caught.value
    told = (error.deny_code, error.severity, error.retry_guidance)
    assert told == (code.partition("/")[0], *DENY_CODES[code]), error
    assert error.reason, "a denial says why"
    return error


def pending(enforce, *args, **kwargs) -> ScopeboundPendingError:
    """The error of a call that has to wait for a person."""
    with pytest.raises(ScopeboundPendingError) as caught:
        enforce(*args, **kwargs)
    return caught.value


def denied_body(code: str, response) -> dict:
    """The body of a denial that was asked for without the package."""
    assert response.status_code == 200, response.text
    body = response.json()
    told = (body["decision"], body["deny_code"], body["severity"], body["retry_guidance"])
    assert told == ("deny", code.partition("/")[0], *DENY_CODES[code]), body
    assert body["reason"]
    assert response.headers["cache-control"] == "no-store"
    return body
