"""JSON schemas for kubeconform, made from what Kubernetes and its extensions publish: the OpenAPI description of the API,
and CustomResourceDefinitions. Unknown fields are refused, as `kubectl --validate=strict` does."""

import json
import pathlib

import yaml

# Groups of the API whose kinds get a schema.
GROUPS = ("", "apps", "autoscaling", "batch", "networking.k8s.io", "policy")


def file_name(kind, group, version):
    """The name by which kubeconform asks: {{.ResourceKind}}{{.KindSuffix}}.json."""
    parts = [kind, group.split(".")[0], version] if group else [kind, version]
    return "-".join(parts).lower() + ".json"


def strict(schema):
    """The schema with unknown fields refused, and OpenAPI's and Kubernetes' own words in those of JSON Schema."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    result = {}
    for key, value in schema.items():
        # Names of fields are not words of the schema.
        names = key in ("properties", "definitions")
        result[key] = {name: strict(field) for name, field in value.items()} if names else strict(value)
    open_ended = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in schema and not open_ended:
        result["additionalProperties"] = False
    if schema.get("nullable") and "type" in schema:
        result["type"] = [schema["type"], "null"]
    # Says how numbers are kept, not what is valid; Kubernetes has formats that JSON Schema has not.
    result.pop("format", None)
    return result


def references(schema):
    """The names of the definitions that a schema refers to."""
    if isinstance(schema, list):
        return set().union(*map(references, schema))
    if not isinstance(schema, dict):
        return set()
    found = set().union(*map(references, schema.values()))
    if isinstance(schema.get("$ref"), str):
        found.add(schema["$ref"].rsplit("/", 1)[1])
    return found


def closure(definitions, name):
    """The definitions that one needs, itself included."""
    needed, open_names = {}, [name]
    while open_names:
        current = open_names.pop()
        if current not in needed:
            needed[current] = definitions[current]
            open_names.extend(references(definitions[current]))
    return needed


def write_api(openapi, folder):
    """One file for each kind of the GROUPS in an OpenAPI (v2) description of Kubernetes."""
    definitions = {name: strict(schema) for name, schema in json.loads(openapi.read_text())["definitions"].items()}
    # YAML has `cpu: 2` as a number; Kubernetes takes it.
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"type": ["string", "number"]}
    for name, schema in definitions.items():
        kinds = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) != 1 or kinds[0]["group"] not in GROUPS:
            continue
        kind = kinds[0]
        whole = {"$ref": f"#/definitions/{name}", "definitions": closure(definitions, name)}
        (folder / file_name(kind["kind"], kind["group"], kind["version"])).write_text(json.dumps(whole))


def write_resource(definition, folder):
    """One file for each version of a CustomResourceDefinition."""
    spec = yaml.safe_load(definition.read_text())["spec"]
    for version in spec["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        # CRDs leave these to Kubernetes.
        schema["properties"].update(apiVersion={"type": "string"}, kind={"type": "string"}, metadata={"type": "object"})
        path = folder / file_name(spec["names"]["kind"], spec["group"], version["name"])
        path.write_text(json.dumps(schema))


def write_all(openapi, resources, folder):
    """Schemas of `openapi` (a file) and of `resources` (files) into a new folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    write_api(openapi, folder)
    for definition in resources:
        write_resource(definition, folder)
