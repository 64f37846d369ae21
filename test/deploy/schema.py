#!/usr/bin/env python3
"""schema.py TARBALL MODULE... : prints the schema of the AWS provider's resources that the modules use, as JSON.

The real provider is a download of 800 MB that cannot always be had. The npm package @cdktf/provider-aws is made by a
generator from the provider's own schema (its version 21.22.1 from provider 6.25.0) and says of every argument and
attribute its name, its type and whether it is required, optional or computed. That is what is read here, out of the
TypeScript sources that the package carries in its source maps; provider/ serves it to tofu.
"""

import base64
import json
import pathlib
import re
import sys
import tarfile

USE = re.compile(r'^\s*(resource|data)\s+"aws_([a-z0-9_]+)"', re.M)
CLASS = re.compile(r"^export class (\w+) extends cdktf\.(\w+) \{$", re.M)
MEMBER = re.compile(r"// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n(.*?)(?=\n\n|\Z)",
                    re.S)
NESTED = re.compile(r'private _\w+ = new (\w+?)(List|Map|OutputReference)\(this, "\w+"(?:, (true|false))?\)')
DECLARED = re.compile(r"private _\w+\??: (.*?);[ ]*\n", re.S)
GETTER = re.compile(r"get(String|Number|Boolean|List|NumberList|Any)(?:Map)?Attribute\(")
IS_BLOCK = re.compile(r"^ {6}(\w+): \{\n.*?isBlock: (true|false),\n\s+type: \"(\w+)\"", re.M | re.S)
WRITTEN = re.compile(r"^ {6}(\w+): \{\n\s+value: (.*?),\n\s+isBlock: false,\n\s+type: \"(\w+)\",\n"
                     r"\s+storageClassType: \"(\w+)\"", re.M)
SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
META = {"connection", "count", "dependsOn", "forEach", "lifecycle", "provider", "provisioners"}


class SchemaError(Exception):
    pass


def used(modules):
    """The resources and data sources that the files of the modules name: {("resource", "sqs_queue"), ...}."""
    found = set()
    for module in modules:
        for path in sorted(pathlib.Path(module).rglob("*.tf")):
            found.update(USE.findall(path.read_text()))
    if not found:
        raise SchemaError("no resource of the provider is used: " + ", ".join(map(str, modules)))
    return found


def source_of(tar, folder):
    """The TypeScript source of a folder of the package; None when there is no such folder."""
    try:
        script = tar.extractfile(f"package/lib/{folder}/index.js").read().decode()
    except KeyError:
        return None
    encoded = script.rsplit("base64,", 1)[1]
    return json.loads(base64.b64decode(encoded))["sourcesContent"][0]


def classes_of(source):
    """The text of each class by its name, and the name of the one that is the resource."""
    found, main = {}, None
    starts = list(CLASS.finditer(source))
    for start in starts:
        end = source.index("\n}", start.end())
        found[start[1]] = source[start.end():end]
        if start[2] in ("TerraformResource", "TerraformDataSource", "TerraformProvider"):
            main = start[1]
    return found, main


def element_of(text, getter):
    """The type of a declared member or of a getter, as the plugin protocol writes it."""
    text = text.replace(" | cdktf.IResolvable", "").strip()
    if text in SIMPLE:
        return SIMPLE[text]
    if text.endswith("[]"):
        kind = "set" if "Fn.tolist" in getter else "list"
        return [kind, element_of(text[:-2].strip("()"), "")]
    inner = re.fullmatch(r"\{ \[key: string\]: (.*) \}", text)
    if inner:
        return ["map", element_of(inner[1].strip("()"), "")]
    raise SchemaError(f"a type that is not known: {text}")


def computed_type(body):
    """The type of what only the provider sets."""
    plain = re.search(r"new cdktf\.(String|Number|Boolean|Any)(Map|MapList)\(", body)
    if plain:
        inner = ["map", SIMPLE[plain[1].lower()]]
        return inner if plain[2] == "Map" else ["list", inner]
    getter = GETTER.search(body)
    if getter is None:
        return "dynamic" if "interpolationForAttribute" in body else None
    if getter[1] in ("List", "NumberList"):
        kind = "set" if "Fn.tolist" in body else "list"
        return [kind, "number" if getter[1] == "NumberList" else "string"]
    if getter[1] == "Any":
        return "dynamic"
    return SIMPLE[getter[1].lower()]


def block_of(name, classes, writers):
    """A block from the class that stands for it: {"attributes": {...}, "blocks": {...}}."""
    written = dict((m[1], (m[2] == "true", m[3])) for m in IS_BLOCK.finditer(writers.get(name, "")))
    block = {"attributes": {}, "blocks": {}}
    for member, computed, optional, required, body in MEMBER.findall(classes[name]):
        if member in META and member != "lifecycle":
            continue
        flags = {"computed": computed == "true", "optional": optional == "true", "required": required == "true"}
        nested = NESTED.search(body)
        if nested:
            add_nested(block, member, flags, nested, written.get(member, (False, "list")), classes, writers)
            continue
        declared = DECLARED.search(body)
        if declared and written.get(member, (False,))[0]:
            add_written(block, member, declared[1], writers)
            continue
        kind = element_of(declared[1], body) if declared else computed_type(body)
        if kind is None:
            raise SchemaError(f"{name}.{member}: its type is not told:\n{body}")
        block["attributes"][member] = {"type": kind, **flags}
    return block


def add_nested(block, member, flags, nested, written, classes, writers):
    """Adds what has members of its own: a block, or an attribute whose type is an object."""
    inner = block_of(nested[1] + "OutputReference", classes, writers)
    is_block, kind = written
    single = nested[2] == "OutputReference"
    # the provider sets no block: what it computes is an attribute, which tofu lets stand as blocks
    if not is_block or flags["computed"]:
        object_type = ["object", {n: a["type"] for n, a in inner["attributes"].items()}]
        many = "set" if nested[3] == "true" or kind == "set" else "list"
        wrapped = object_type if single and kind == "struct" else [many, object_type]
        block["attributes"][member] = {"type": wrapped, **flags}
        return
    block["blocks"][member] = {
        "block": inner,
        "nesting": "single" if kind == "struct" else "set" if kind == "set" or nested[3] == "true" else "list",
        "min": 1 if flags["required"] else 0,
        "max": 1 if single and kind != "struct" else 0,
    }


def add_written(block, member, declared, writers):
    """Adds a block of the provider's own settings, which has no class: what writes it tells its members."""
    text = writers[declared.split("[")[0].split(" ")[0] + "OutputReference"]
    attributes = {}
    for name, writer, kind, stored in WRITTEN.findall(text):
        simple = SIMPLE.get(re.match("[a-z]+", stored)[0], "string")
        attributes[name] = {"type": simple if kind == "simple" else [kind, simple],
                            "computed": False, "optional": True, "required": False}
    block["blocks"][member] = {"block": {"attributes": attributes, "blocks": {}}, "nesting": "list", "min": 0, "max": 0}


def writers_of(source, main):
    """The text that writes each class's configuration, by the class: it says what is a block."""
    found = {}
    for m in re.finditer(r"^export function (\w+)ToHclTerraform\(", source, re.M):
        found[m[1][0].upper() + m[1][1:] + "OutputReference"] = outdented(source[m.end():source.index("\n}", m.end())])
    start = source.find("protected synthesizeHclAttributes()")
    if start >= 0:
        found[main] = source[start:source.index("\n  }", start)]
    return found


def outdented(text):
    """A function's body stands two columns further left than a method's."""
    return "\n".join("  " + line for line in text.split("\n"))


def schema_of(tar, folder):
    source = source_of(tar, folder)
    if source is None:
        return None
    classes, main = classes_of(source)
    return block_of(main, classes, writers_of(source, main))


def main():
    package, modules = sys.argv[1], sys.argv[2:]
    result = {"provider": None, "resources": {}, "data_sources": {}}
    with tarfile.open(package) as tar:
        result["provider"] = schema_of(tar, "provider")
        for kind, name in sorted(used(modules)):
            folder = ("data-aws-" if kind == "data" else "") + name.replace("_", "-")
            block = schema_of(tar, folder)
            if block is None:
                raise SchemaError(f'{kind} "aws_{name}": the provider has no such thing')
            result["data_sources" if kind == "data" else "resources"]["aws_" + name] = block
    json.dump(result, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    try:
        main()
    except SchemaError as error:
        sys.exit(f"schema.py: {error}")
