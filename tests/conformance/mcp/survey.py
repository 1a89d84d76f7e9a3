"""Everything that server-everything has, asked for once."""

import base64
import re

from mcp import types

# What differs from run to run, whoever asks: the time of day at which a resource was made.
CLOCK = re.compile(r"\d{1,2}:\d{2}:\d{2}(\s?[AP]M)?")

CALLS = {
    "echo": [{"message": "hello"}, {"message": "ünïcödé \u202e\n\t\"quoted\""}, {}],
    "get-annotated-message": [
        {"messageType": kind, "includeImage": image} for kind in ("error", "success", "debug") for image in (True, False)
    ],
    "get-env": [{}],
    "get-resource-links": [{}, {"count": 10}, {"count": 11}],
    "get-resource-reference": [{}, {"resourceType": "Blob", "resourceId": 2}, {"resourceId": -1}],
    "get-structured-content": [{"location": place} for place in ("New York", "Chicago", "Los Angeles", "Paris")],
    "get-sum": [{"a": 1, "b": 2}, {"a": 0.1, "b": 0.2}, {"a": -1e300, "b": 1}, {"a": "1", "b": 2}],
    "get-tiny-image": [{}],
    "gzip-file-as-resource": [{"name": "a.gz", "data": "data:text/plain,hello", "outputType": "resource"}],
    "trigger-long-running-operation": [{"duration": 0.2, "steps": 4}],
    "get-roots-list": [{}],
    "trigger-elicitation-request": [{}],
    "trigger-sampling-request": [{"prompt": "Say something", "maxTokens": 10}],
    "trigger-url-elicitation": [{"url": "https://example.com/", "message": "Open it", "elicitationId": "one"}],
    "simulate-research-query": [{"topic": "proxies"}],
    # Last: from here on the server speaks of its own accord.
    "toggle-simulated-logging": [{}, {}],
    "toggle-subscriber-updates": [{}, {}],
}

PROMPTS = [
    ("simple-prompt", None),
    ("args-prompt", {"city": "Oslo"}),
    ("args-prompt", {"city": "Oslo", "state": "N"}),
    ("args-prompt", {}),
    ("completable-prompt", {"department": "Engineering", "name": "Alice"}),
    ("resource-prompt", {"resourceType": "Text", "resourceId": "1"}),
    ("no-such-prompt", {}),
]

RESOURCES = ["demo://resource/dynamic/text/1", "demo://resource/dynamic/blob/2", "demo://resource/none", "file:///etc/passwd"]

COMPLETIONS = [
    (types.PromptReference(name="completable-prompt"), {"name": "department", "value": "E"}, None),
    (types.PromptReference(name="completable-prompt"), {"name": "name", "value": "A"}, {"department": "Engineering"}),
    (types.ResourceTemplateReference(uri="demo://resource/dynamic/text/{resourceId}"), {"name": "resourceId", "value": "1"}, None),
]


async def survey(client, progress) -> dict:
    """What the server answers to all of it, without what differs from run to run."""
    found = {
        "version": client.protocol_version,
        "server": plain(client.server_info),
        "capabilities": plain(client.server_capabilities),
        "instructions": client.instructions,
    }
    tools = (await client.list_tools()).tools
    found |= {f"tool {tool.name}": plain(tool) for tool in tools}
    found["tools"] = sorted(tool.name for tool in tools)
    found["prompts"] = plain(await client.list_prompts())
    resources = await client.list_resources()
    found["resources"] = plain(resources)
    found["templates"] = plain(await client.list_resource_templates())
    for name, calls in CALLS.items():
        for number, arguments in enumerate(calls):
            asked = client.call_tool(name, arguments, progress_callback=progress)
            found[f"call {name} {number}"] = await outcome(asked)
    for number, (name, arguments) in enumerate(PROMPTS):
        found[f"prompt {name} {number}"] = await outcome(client.get_prompt(name, arguments))
    for uri in [*(resource.uri for resource in resources.resources), *RESOURCES]:
        found[f"resource {uri}"] = await outcome(client.read_resource(uri))
    for number, (reference, argument, context) in enumerate(COMPLETIONS):
        asked = client.complete(reference, argument, context_arguments=context)
        found[f"completion {number}"] = await outcome(asked)
    return found


async def outcome(asked):
    try:
        return plain(await asked)
    except Exception as error:  # What the client makes of it is what is compared.
        return f"{type(error).__name__}: {CLOCK.sub('TIME', str(error))}"


def plain(value):
    dumped = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    return fixed(dumped)


def fixed(value):
    match value:
        case str():
            return CLOCK.sub("TIME", value)
        case {"blob": str(blob), **others} if "dynamic" in others.get("uri", ""):
            return fixed(others) | {"blob": CLOCK.sub("TIME", base64.b64decode(blob).decode())}
        case dict():
            return {name: fixed(member) for name, member in value.items()}
        case list():
            return [fixed(element) for element in value]
        case other:
            return other
