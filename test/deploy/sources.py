"""Which operations of AWS the C sources can call, found by following the names in each function."""

import re

import botocore.session
from terraform import ROOT

SERVICES = ("sqs", "dynamodb")
# A function, or a table of constants: from the line that begins it to its closing bracket in the first column.
DEFINITION = re.compile(r"^(?:[a-z][\w *]*?\b(\w+)\(|static const .*?\b(\w+)\[?\w*\]? = ).*?^\}", re.M | re.S)


def known_operations():
    """Operation -> service, as boto's models have them."""
    loader = botocore.session.get_session().get_component("data_loader")
    return {name: service for service in SERVICES for name in loader.load_service_model(service, "service-2")["operations"]}


def definitions(path):
    """name -> text of all that a file defines."""
    return {match[1] or match[2]: match[0] for match in DEFINITION.finditer(path.read_text())}


def actions(roots):
    """The actions, as IAM names them, of all that the functions in some files call, there and in the layers below."""
    known = known_operations()
    library = [path for layer in ("aws", "order") for path in sorted((ROOT / "src" / layer).glob("*.c"))]
    texts = {path: definitions(path) for path in [*roots, *library]}
    public = {name: path for path in texts for name, text in texts[path].items() if not text.startswith("static ")}
    found, seen, todo = set(), set(), [(path, name) for path in roots for name in texts[path]]
    while todo:
        path, name = todo.pop()
        if (path, name) in seen:
            continue
        seen.add((path, name))
        text = texts[path][name]
        # a batch has no right of its own
        found |= {f"{known[o]}:{o.removesuffix('Batch')}" for o in re.findall(r'"(\w+)"', text) if o in known}
        for word in set(re.findall(r"\b[a-z]\w+", text)) - {name}:
            home = path if word in texts[path] else public.get(word)
            if home:
                todo.append((home, word))
    return found
