# SPDX-License-Identifier: BSD-3-Clause
"""What the documents say, taken apart: the README, the manual pages and the configuration that is installed."""
import os
import re

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
README, MAN, MAN_CONFIG, CONFIG = ("README.md", "packaging/man/smtpscope.8", "packaging/man/smtpscope.yaml.5",
                                   "configs/smtpscope.yaml")


def read_all():
    """The documents' texts by their paths, examples included."""
    examples = os.path.join(TOP, "configs/examples")
    names = [f"configs/examples/{name}" for name in sorted(os.listdir(examples))] if os.path.isdir(examples) else []
    texts = {}
    for path in (README, MAN, MAN_CONFIG, CONFIG, *names):
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            texts[path] = file.read()
    return texts


def section(text, begin, end):
    """What is between two marks at the beginnings of lines; to the end of the text if the second does not follow."""
    match = re.search(rf"^{begin}$(.*?)(?=^{end}|\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def quoted(text):
    return re.findall(r"`([^`]+)`", text)


def full_names(names):
    """`mime.max_depth`, `max_header_bytes`: a name without a section is of the section before."""
    all_of_them, before = [], ""
    for name in names:
        if "." in name:
            before = name.rpartition(".")[0] + "."
            all_of_them.append(name)
        else:
            all_of_them.append(before + name)
    return all_of_them


# ---- configuration keys, with what a document says of their defaults: a literal, words, or None


def keys_of_readme(text):
    """The rows of the table, and defaults in brackets behind a key: `notices.burst_window` (`5m`)."""
    found = {}
    table = section(text, r"\| key \| default \| what \|", r"$")
    for row in re.findall(r"^\| (`.*?) \| (.*?) \| (.*) \|$", table, re.MULTILINE):
        names, values = full_names(quoted(row[0])), re.findall(r"none|(?<=`)[^`,][^`]*(?=`)", row[1])
        if row[1].endswith(" each"):
            values *= len(names)
        for name, value in zip(names, values or [row[1]] * len(names)):
            found[name] = value
        found.update({name: None for name in names[len(values or names):]})
        found.update(re.findall(r"`([a-z_]+\.[a-z_]+)` \(`([^`]+)`\)", row[2]))
    if "log.privacy" in found:  # written as one
        words = found.pop("log.privacy")
        found.update({"log.privacy.preset": words, "log.privacy.key_file": None})
    return found


def keys_of_man(text):
    found = {}
    for line in re.findall(r"^\.It Va ([a-z]+\.[a-z].*)$", section(text, r"\.Sh KEYS", r"\.Sh "), re.MULTILINE):
        names, _, value = line.partition(" Pq ")
        names = [word for word in names.split() if re.fullmatch(r"[a-z][a-z0-9_.]+", word) and word not in ("or", "alone")]
        value = re.sub(r"^(Li|Cm|Pa) ", "", value).removesuffix(" No each")
        for name in full_names(names):
            found[name] = value or None
    found.pop("log.privacy", None)  # preset alone
    return found


def keys_of_config(text):
    """Those that are set, and those that are shown in comments, whose examples are no defaults."""
    names, path = set(), []
    for indent, name in re.findall(r"^( *)(?:# )?([a-z0-9_]+):", text, re.MULTILINE):
        path = [*path[:len(indent) // 2], name]
        names.add(".".join(path))
    return {name for name in names if not any(other.startswith(name + ".") for other in names)}


def keys_of_dump(text):
    """`check-config --dump`: each key with its value."""
    found, path = {}, []
    for indent, name, value in re.findall(r"^( *)([a-z0-9_]+): ?(.*)$", text, re.MULTILINE):
        path = [*path[:len(indent) // 2], name]
        if value:
            found[".".join(path)] = value
    return found


# ---- the command line


def options_of_man(text):
    """The options of each subcommand in the synopsis."""
    found, name = {}, None
    for line in section(text, r"\.Sh SYNOPSIS", r"\.(Pp|Sh)").splitlines():
        if line.startswith(".Cm "):
            name = line.split()[1]
            found[name] = set()
        elif line == ".Op Ar configuration":
            found[name] |= {"-c", "--set"}
        elif line.startswith(".Op Fl "):
            found[name].add("-" + line.split()[2])
    return found


def options_of_help(text):
    """Each option of a help text in all its forms: [("-c", "--config"), ("--set",)]."""
    lines = re.findall(r"^ +((?:-\w, )?--[\w-]+|-\w)\b", text, re.MULTILINE)
    return [tuple(line.split(", ")) for line in lines]


def options_of_source(subcommand):
    """The same, as they are parsed."""
    with open(os.path.join(TOP, f"userspace/cli/{subcommand.replace('-', '_')}.cc"), encoding="utf-8") as file:
        found = re.findall(r"\{(0|'\w'), \"([\w-]+)\", (?:nullptr|\"[^\"]*\"), \[", file.read())
    return [(f"--{name}",) if letter == "0" else (f"-{letter[1]}", f"--{name}") for letter, name in found]


# ---- examples


def unroffed(text):
    return re.sub(r"\\[&e]", lambda m: "\\" if m[0] == r"\e" else "", text)


def configurations(texts):
    """Every configuration that is shown, as (where, text)."""
    sections = {name.partition(".")[0] for name in keys_of_config(texts[CONFIG])}
    for number, block in enumerate(re.findall(r"(?:^    .*\n|^\n)+", texts[README], re.MULTILINE)):
        text = re.sub(r"^    ", "", block.strip("\n"), flags=re.MULTILINE)
        if text.partition(":")[0] in sections:
            yield f"{README}, block {number}", text + "\n"
    for path in MAN, MAN_CONFIG:
        blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", texts[path], re.MULTILINE | re.DOTALL)
        for number, block in enumerate(blocks):
            if block.partition(":")[0] in sections:
                yield f"{path}, block {number}", unroffed(block)
    for path, text in texts.items():
        if path.startswith("configs/"):
            yield path, text
    # What is commented out there: lists in place of the empty ones.
    for name in "sinks", "policy":
        lines = re.search(rf"^  # {name}:\n((?:  #   .*\n)+)", texts[CONFIG], re.MULTILINE)
        if lines:
            yield f"{CONFIG}, {name}", f"log:\n  {name}:\n" + re.sub(r"^  # ", "  ", lines[1], flags=re.MULTILINE)


def commands(texts):
    """Every command that reads a capture file, up to a pipe or comment; what follows the pipe."""
    for path in README, MAN:
        for line in re.findall(r"^(?:    |\.Dl )(smtpscope read .*)$", texts[path], re.MULTILINE):
            command, _, rest = re.sub(r"\s+#.*", "", line).partition("|")
            yield path, command.split()[1:], rest.split()
