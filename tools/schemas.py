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
def schemas() -> dict[str, Any]:
    """All of docs/ by their names. Every document may have the host object."""
    found = {path.name: json.loads(path.read_text()) for path in DOCS.glob("*.schema.json")}
    for schema in found.values():
        schema["properties"].setdefault("host", {"$ref": HOST})
    return found


def complaint_of(document: object, name: str) -> str:
    """Why DOCUMENT does not fit docs/NAME, "" if it does. Schemas may refer to their neighbours."""
    try:
        import jsonschema  # pylint: disable=import-outside-toplevel
    except ImportError:
        return "cannot validate the JSON: install python3-jsonschema"
    if name not in schemas():
        return f"cannot validate the JSON: docs/{name} is missing"
    resolver = jsonschema.RefResolver(name, schemas()[name], store=schemas())
    validator = jsonschema.Draft202012Validator(schemas()[name], resolver=resolver)
    errors = sorted(validator.iter_errors(document), key=str)
    if not errors:
        return ""
    where = "/".join(map(str, errors[0].absolute_path)) or "the document"
    return f"the JSON does not fit its schema: {where}: {errors[0].message[:200]}"
