# SPDX-License-Identifier: MIT
"""The schemas in docs/ and what they have against a document."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
HOST = "host.schema.json"


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """docs/NAME, with the schema of the host object in the place of the reference to it."""
    found: dict[str, Any] = json.loads((DOCS / name).read_text())
    if found["properties"].get("host") == {"$ref": HOST}:
        found["properties"]["host"] = json.loads((DOCS / HOST).read_text())
    return found


def complaint_of(document: object, name: str) -> str:
    """Why DOCUMENT does not fit docs/NAME, "" if it does."""
    try:
        import jsonschema  # pylint: disable=import-outside-toplevel
    except ImportError:
        return "cannot validate the JSON: install python3-jsonschema"
    if not (DOCS / name).exists():
        return f"cannot validate the JSON: docs/{name} is missing"
    errors = sorted(jsonschema.Draft202012Validator(schema(name)).iter_errors(document), key=str)
    if not errors:
        return ""
    where = "/".join(map(str, errors[0].absolute_path)) or "the document"
    return f"the JSON does not fit its schema: {where}: {errors[0].message[:200]}"
