"""The table of frameworks in the README, between two markers. A run writes the column of the server that it ran on."""

import re

BEGIN = "<!-- frameworks: written by `run --record` -->\n"
END = "<!-- end of frameworks -->"
NOT_RUN = "not run"


def record(readme, server, rows):
    """`rows`: (framework, versions, what it does, result) of what was run on `server`, in order."""
    text = readme.read_text()
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    columns, known = read(table)
    kind = server.split()[0]
    columns = [column for column in columns if column.split()[0] != kind] + [server]
    for name, versions, does, result in rows:
        others = known.get(name, {"results": {}})["results"]
        known[name] = {"versions": versions, "does": does, "results": {**others, kind: result}}
    readme.write_text(before + BEGIN + written(sorted(columns, reverse=True), known) + END + after)


def read(table):
    """The servers, and by framework what the rows say."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")]
    if not lines:
        return [], {}
    columns = lines[0][3:]
    kinds = [column.split()[0] for column in columns]
    known = {}
    for name, versions, does, *results in lines[2:]:
        name = re.sub(r"`", "", name)
        known[name] = {"versions": versions, "does": does, "results": dict(zip(kinds, results, strict=True))}
    return columns, known


def written(columns, known):
    rows = [["run", "versions", "what it does", *columns]]
    for name, row in known.items():
        results = [row["results"].get(column.split()[0], NOT_RUN) for column in columns]
        rows.append([f"`{name}`", row["versions"], row["does"], *results])
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|\n")
    return "".join(lines)
