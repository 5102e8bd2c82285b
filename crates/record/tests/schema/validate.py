"""Validates mapping files against a JSON Schema, as an editor does.

Reads one JSON document: [{"schema": PATH, "name": NAME, "text": TOML}, …]; writes one list of
messages for each, in order.
"""

import json
import sys
import tomllib

from jsonschema import Draft7Validator

validators = {}


def messages(case):
    path = case["schema"]
    if path not in validators:
        with open(path, encoding="utf-8") as file:
            schema = json.load(file)
        Draft7Validator.check_schema(schema)
        validators[path] = Draft7Validator(schema)
    errors = validators[path].iter_errors(tomllib.loads(case["text"]))
    shown = ("/".join(map(str, error.absolute_path)) + ": " + error.message for error in errors)
    return sorted(shown)


json.dump([messages(case) for case in json.load(sys.stdin)], sys.stdout)
