"""Validates mapping files against JSON Schemas, as an editor does.

Reads {"schemas": {NAME: SCHEMA}, "cases": [{"schema": NAME, "text": TOML}]}; writes a list of messages
for each case, in order.
"""

import json
import sys
import tomllib

from jsonschema import Draft7Validator

asked = json.load(sys.stdin)
validators = {}
for name, schema in asked["schemas"].items():
    Draft7Validator.check_schema(schema)
    validators[name] = Draft7Validator(schema)


def messages(case):
    errors = validators[case["schema"]].iter_errors(tomllib.loads(case["text"]))
    shown = ("/".join(map(str, error.absolute_path)) + ": " + error.message for error in errors)
    return sorted(shown)


json.dump([messages(case) for case in asked["cases"]], sys.stdout)
