"""A kind of contract for import-linter: modules that only their own feature may import."""

from typing import Final

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain import helpers

FEATURE_DEPTH: Final = 2
"""How many parts of a module's name say which feature it is of: `scholarship_api.search`."""


def feature_of(module: str) -> str:
    return ".".join(module.split(".")[:FEATURE_DEPTH])


class OwnedByFeature(Contract):
    """Broken where a module of another feature imports one of `modules`, or what is below it.

    `modules` may have wildcards, so that the contract holds for features that are yet to come.
    `ignore_imports` names the exceptions, as in import-linter's own contracts.
    """

    type_name = "owned_by_feature"

    modules = fields.ListField(subfield=fields.ModuleExpressionField())
    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        # import-linter replaces each field by its value.
        helpers.pop_import_expressions(graph, self.ignore_imports or ())  # type: ignore[arg-type]
        owned = helpers.module_expressions_to_modules(graph, self.modules)  # type: ignore[arg-type]
        foreign = [
            f"{importer} imports {module.name}"
            for module in owned
            for importer in graph.find_modules_that_directly_import(module.name)
            if feature_of(importer) != feature_of(module.name)
        ]
        return ContractCheck(kept=not foreign, metadata={"foreign": sorted(foreign)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["foreign"]:
            output.print_error(line)
