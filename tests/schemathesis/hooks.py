"""What the OpenAPI document can't say of a request.

Changes are made to be of the present state, because nobody makes up an ETag, and get a key that is new. And where the request
itself shows that an answer is right, it is no failure: a valid request may be refused for what the document has no words for
(RULES: the words of the answer, and what the request must have said), and one text of a query may be written as a valid one
is. Each answer is held to the document whatever it was asked for, and none may be 5xx.
"""

import os
import re
import uuid
from urllib.parse import quote

import requests
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

ONE_TAG = re.compile(r'"[0-9]{1,18}"')
# As in migrations/0010_rules_without_gaps.sql. Where a character is white space differs from one kind of regular
# expressions to the next, so the document says it in words.
SUBJECT = re.compile(r"[^\s\x00-\x1f\x7f-\x9f.*>]+(\.[^\s\x00-\x1f\x7f-\x9f.*>]+)*")


@schemathesis.hook
def filter_path_parameters(context, path_parameters) -> bool:
    # A dot by itself, or two, is taken out of a path before it is sent (RFC 3986, 5.2.4): another operation is asked.
    return not path_parameters or path_parameters.get("id") not in (".", "..")


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    headers = case.headers
    key = headers.get("Idempotency-Key")
    if is_uuid(key):
        # A key is the name of one change. Schemathesis would take those that it has seen, and what was made under a key is
        # not made again, whatever else is said with it.
        headers["Idempotency-Key"] = str(uuid.uuid4())
    # Half of the changes that name a state name the present one, and so do all deletions of several that name but one.
    tag = headers.get("If-Match")
    if isinstance(tag, str) and ONE_TAG.fullmatch(tag) and int(tag.strip('"')) % 2 == 1:
        headers["If-Match"] = present_tag(case, case.path_parameters["id"]) or tag
    if case.path == "/api/v1/bulk/delete" and is_one_seen(says(case, "extensions")):
        [seen] = case.body["extensions"]
        seen["revision"] = int((present_tag(case, seen["id"]) or '"0"').strip('"'))


def present_tag(case, extension_id) -> str | None:
    server, _ = case.as_transport_kwargs()["url"].split("/api/v1/", 1)
    url = f"{server}/api/v1/extensions/{quote(extension_id, safe='')}"
    present = requests.get(url, headers={"Authorization": f"Bearer {os.environ['TOKEN']}"}, timeout=60)
    return present.headers.get("ETag")


def is_one_seen(extensions) -> bool:
    if not isinstance(extensions, list) or len(extensions) != 1 or not isinstance(extensions[0], dict):
        return False
    seen = extensions[0]
    return seen.keys() == {"id", "revision"} and isinstance(seen["id"], str) and type(seen["revision"]) is int and seen["revision"] >= 0


def is_uuid(text) -> bool:
    try:
        return isinstance(text, str) and bool(uuid.UUID(text))
    except ValueError:
        return False


def says(case, name: str):
    """A field of a request's body."""
    return case.body.get(name) if isinstance(case.body, dict) else None


def has_nul(value) -> bool:
    if isinstance(value, dict):
        return any(has_nul(key) or has_nul(each) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return any(has_nul(each) for each in value)
    return isinstance(value, str) and "\0" in value


# The field at fault and the answer's words, and whether the request is so.
RULES = [
    # That two parameters exclude each other has no words in OpenAPI.
    ("after_revision", "not both", lambda case: {"before_revision", "after_revision"} <= set(case.query)),
    # Nor has how far apart two times may be. What is left out is counted from the other, or from now.
    ("range", "shorter than a minute or longer", lambda case: {"from", "until"} & set(case.query)),
    ("value", "a time is out of range", lambda case: {"from", "until", "since"} & set(case.query)),
    # Where pages end only the server knows.
    (None, "The parameter after is no `next` of a page", lambda case: "after" in case.query),
    # And which revisions there were.
    ("revision", "left no version of", lambda case: case.path.endswith("/restore")),
    # What a configuration must be is said by schemas in the registry.
    ("config", "The configuration doesn't fit its schema", lambda case: case.path.startswith("/api/v1/extensions")),
    # Where any text may stand, the document doesn't take out the one character that PostgreSQL can't store.
    (None, "the character U+0000", lambda case: has_nul([case.query, case.path_parameters, case.body])),
    ("subject", "no literal NATS subject", lambda case: not SUBJECT.fullmatch(says(case, "subject"))),
    # That an extension is named twice, each time in another state.
    ("extensions", "it has one", lambda case: case.path == "/api/v1/bulk/delete"),
]


@schemathesis.hook
def filter_failure(context, failure, case, response) -> bool:
    if isinstance(failure, AcceptedNegativeData):
        # In a query a list of one empty text is written as the empty list is, which is valid.
        return not any(
            f"parameter `{name}` in query" in failure.message and case.query.get(name) in ("", [""])
            for name in ("type", "health", "action")
        )
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 422:
        return True
    problem = response.json()
    return not any(
        (field is None or problem.get("field") == field) and words in problem["detail"] and holds(case)
        for field, words, holds in RULES
    )
