"""The graph of stages as text and as a Mermaid drawing."""

from __future__ import annotations

from pvplanner.plan.runner import Graph


def as_text(graph: Graph) -> str:
    """A line per stage: what it makes, what it needs, and the keys and files that it reads."""
    lines = []
    for stage in graph.values():
        needs = ", ".join(stage.needs) or "-"
        reads = ", ".join(stage.reads) or "-"
        joins = f" -> {stage.joins}" if stage.joins else ""
        said = (stage.function.__doc__ or "").partition("\n")[0]
        lines.append(f"{stage.name}{joins}: {said}\n    needs {needs}\n    reads {reads}")
    return "\n".join(lines)


def as_mermaid(graph: Graph) -> str:
    """A flow chart: an arrow from each stage to those that need it, files as boxes of their own."""
    lines = ["flowchart LR"]
    for stage in graph.values():
        lines += [f'    file_{_id(key)}["{key}"] --> {stage.name}' for key in stage.files]
        lines += [f"    {need} --> {stage.name}" for need in stage.needs]
        if stage.joins:
            lines.append(f"    {stage.name} -.-> table_{stage.joins}[({stage.joins})]")
    return "\n".join(lines)


def _id(key: str) -> str:
    return key.replace(".", "_")
