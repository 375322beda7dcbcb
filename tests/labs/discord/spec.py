"""Checks REST calls and answers against Discord's OpenAPI 3.1 document."""

import functools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from tests.labs.discord.records import Json, Violation

DOCUMENT = Path(__file__).resolve().parent / "openapi.json"
"""Discord's own; where it is from stands in openapi.SOURCE."""


class RouteTable:
    """Finds the path template that a request path belongs to."""

    def __init__(self, templates: Iterable[str]) -> None:
        self._routes: list[tuple[re.Pattern[str], str]] = []
        for template in sorted(templates, key=lambda t: (t.count("{"), -len(t))):
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
            self._routes.append((re.compile(f"^{pattern}$"), template))

    def match(self, path: str) -> tuple[str, dict[str, str]] | None:
        """The template and its path parameters, decoded."""
        for pattern, template in self._routes:
            if found := pattern.match(path):
                return template, {key: unquote(value) for key, value in found.groupdict().items()}
        return None


class Spec(RouteTable):
    """The document: validates queries, bodies and answers of its operations."""

    def __init__(self, path: Path) -> None:
        self.doc: Json = json.loads(path.read_text("utf-8"))
        self._cache: dict[str, jsonschema_rs.Draft202012Validator] = {}
        super().__init__(self.doc["paths"])

    def operation(self, method: str, template: str) -> Json | None:
        """The operation object, or None when the path lacks this method."""
        found: Json | None = self.doc["paths"][template].get(method.lower())
        return found

    def check_request(
        self, method: str, template: str, query: Json, body: object, multipart: bool
    ) -> Iterator[Violation]:
        """Everything about a call that the document does not allow."""
        where = f"{method} {template}"
        op = self.operation(method, template)
        if op is None:
            yield Violation(where, "method", "method not in the specification")
            return
        yield from self._check_query(where, template, op, query)
        yield from self._check_body(where, op, body, multipart)

    def check_response(self, method: str, template: str, status: int, body: object) -> Violation | None:
        """What is wrong with an answer of the lab itself, if anything."""
        where = f"{method} {template}"
        answer = (self.operation(method, template) or {}).get("responses", {}).get(str(status))
        if answer is None:
            return Violation(where, "status", f"{status} not in the specification")
        content = self._resolve(answer).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema and (error := self._error(f"{where} ->{status}", schema, body)):
            return Violation(where, "answer", error, body)
        return None

    def _check_query(self, where: str, template: str, op: Json, query: Json) -> Iterator[Violation]:
        shared = self.doc["paths"][template].get("parameters", [])
        declared = map(self._resolve, [*shared, *op.get("parameters", [])])
        params = {p["name"]: p["schema"] for p in declared if p["in"] == "query"}
        for name, raw in query.items():
            if name not in params:
                yield Violation(where, "query", f"unknown query parameter {name!r}")
                continue
            errors = (self._error(f"{where}?{name}", params[name], v) for v in _readings(raw))
            if all(errors):
                yield Violation(where, "query", f"{name}={raw!r} does not fit")

    def _check_body(self, where: str, op: Json, body: object, multipart: bool) -> Iterator[Violation]:
        content = op.get("requestBody", {}).get("content", {})
        form = "multipart/form-data"
        media = form if multipart and form in content else "application/json"
        if body is not None and media in content:
            schema = content[media]["schema"]
            if error := self._error(f"{where} {media}", schema, body):
                yield Violation(where, "body", error, body)
            elif isinstance(body, dict):
                extra = set(body) - (self._properties(schema) or set(body))
                if extra:
                    detail = f"fields not in the specification: {sorted(extra)}"
                    yield Violation(where, "unknown_field", detail, body)
        elif body not in (None, {}) and not content:
            yield Violation(where, "body", "a body where the specification has none", body)
        elif body is None and op.get("requestBody", {}).get("required"):
            yield Violation(where, "body", "required body is missing")

    def _resolve(self, node: Json) -> Json:
        while "$ref" in node:
            target: Any = self.doc
            for part in node["$ref"][2:].split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def _properties(self, schema: Json) -> set[str]:
        schema = self._resolve(schema)
        names = set(schema.get("properties", {}))
        for key in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(key, []):
                names |= self._properties(part)
        return names

    def _error(self, key: str, schema: Json, value: object) -> str | None:
        """The shortest error of `value`; ids given as integers pass, as they do on Discord."""
        if key not in self._cache:
            root = {"allOf": [schema], "components": self.doc["components"]}
            self._cache[key] = jsonschema_rs.Draft202012Validator(root)
        validator = self._cache[key]
        if validator.is_valid(value):
            return None
        value = _stringify_ids(value)
        if validator.is_valid(value):
            return None
        return min((_describe(error) for error in validator.iter_errors(value)), key=len)


@functools.cache
def the_document() -> Spec:
    """Discord's document; the labs of one process share it and its compiled schemas."""
    return Spec(DOCUMENT)


def _describe(error: jsonschema_rs.ValidationError) -> str:
    return f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"


def _stringify_ids(value: object, key: str = "") -> object:
    if isinstance(value, dict):
        return {k: _stringify_ids(v, key if k == "id" else k) for k, v in value.items()}
    if isinstance(value, list):
        return [_stringify_ids(item, key) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and (value >= 1 << 53 or key == "attachments"):
        return str(value)
    return value


def _readings(raw: str) -> list[Any]:
    """The values that a query string can stand for."""
    values: list[Any] = [raw, [raw]]
    if raw.lower() in ("true", "false", "1", "0"):
        values.append(raw.lower() in ("true", "1"))
    if raw.lstrip("-").isdigit():
        values.append(int(raw))
    return values
