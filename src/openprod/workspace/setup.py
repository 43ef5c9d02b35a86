"""The set-up of a production as a part of its view: modules, templates, and tables as people make them.

Thin: `adopt`, `modules`, `templating`, `shaping` and `settings` do the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from openprod.catalog.templates import Template
from openprod.workspace import adopt, modules, shaping, templating
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import ModuleShape, TemplateShape


class SetUp:
    """What a production is made of, and what can be made of it."""

    desk: Desk

    # -- modules

    def modules(self) -> list[ModuleShape]:
        """Returns every module that ships, that this person installed, or that the production uses; see `modules`."""
        return modules.listing(self.desk.home, self.desk)

    def adopt(self, module: str) -> str:
        """Puts a module (folder, pack, or name) into the workspace for everybody; returns its name."""
        return adopt.adopt(self.desk, module).name

    def remove_module(self, name: str) -> list[str]:
        """Takes a module out of sight for everybody and deletes nothing; returns the tables that are hidden now."""
        return adopt.remove(self.desk, name)

    def install(self, module: str) -> tuple[str, str]:
        """Makes a module (folder, pack, or one that is used here) this person's own; returns its name and version."""
        return modules.install(self.desk.home, module, self.desk)

    def allow_module(self, name: str, *, is_allowed: bool = True) -> ModuleShape:
        """Keeps, or takes back, this person's word that a module's code may run on this device; see `modules.allow`."""
        return modules.allow(self.desk.home, self.desk, name, self.desk.clock(), is_allowed=is_allowed)

    # -- templates

    def apply_template(self, template: str, *, is_seeding: bool = True) -> str:
        """Adopts a template's modules, brings its queries and confirms what it lists; returns its name.

        What it proposes to begin with is staged under the name that `seed_name` gives, for a look, unless told not to.
        """
        found = templating.apply(self.desk, template)
        if is_seeding and found.seed:
            self._stage_seed(found)
        return found.name

    def _stage_seed(self, template: Template) -> None:
        """Stages a template's records here."""
        templating.stage_seed(self.desk, template)

    def template(self, template: str) -> TemplateShape:
        """Returns what a template brings and confirms, and whether that stands here."""
        with self.desk.reading():
            return templating.shape(template, self.desk.home, self.desk)

    def save_template(
        self, name: str, *, title: str = "", help_text: str = "", folder: str | Path | None = None
    ) -> Path:
        """Makes a template of this show's set-up, without its records and history; returns its folder.

        Without a folder it becomes one of this person's own.
        """
        place = Path(folder) if folder is not None else self.desk.home.templates_dir
        return templating.save(self.desk, place, name, title, help_text)

    # -- tables as people make them

    def create_table(
        self, name: str, fields: Mapping[str, object], *, title: str = "", key: Sequence[str] = (), label: str = ""
    ) -> str:
        """Makes a table of this production's own and returns its full name; see `shaping.create_table`."""
        return shaping.create_table(self.desk, shaping.NewTable(name, fields, title, tuple(key), label))

    def add_field(self, table: str, name: str, spec: object) -> str:
        """Adds a field to a table, a module's or one's own, and returns its full key; see `shaping.add_field`."""
        return shaping.add_field(self.desk, table, name, spec)

    def create_relation(
        self,
        name: str,
        source: str,
        target: Sequence[str] = (),
        *,
        title: str = "",
        inverse: str = "",
        ordered: bool = False,
        unique: bool = False,
        properties: Mapping[str, object] | None = None,
    ) -> str:
        """Makes a relation of this production's own, between any tables, and returns its full name."""
        wanted = shaping.NewRelation(
            name, source, tuple(target), title, inverse, ordered=ordered, unique=unique, properties=properties
        )
        return shaping.create_relation(self.desk, wanted)

    def shape_table(
        self, table: str, *, title: str | None = None, label: str | None = None, hidden: bool | None = None
    ) -> None:
        """Lets a table be called otherwise, or hidden or shown again, whatever its module says; "" resets."""
        shaping.shape_table(self.desk, table, shaping.Shape(title=title, label=label, hidden=hidden))

    def shape_field(
        self,
        table: str,
        field: str,
        *,
        title: str | None = None,
        hidden: bool | None = None,
        after: str | None = None,
    ) -> None:
        """Lets a field be called otherwise, be hidden, or stand behind another one ("-": first); "" resets."""
        shaping.shape_field(self.desk, table, field, shaping.Shape(title=title, hidden=hidden, after=after))

    def shape_relation(
        self, relation: str, *, title: str | None = None, inverse: str | None = None, hidden: bool | None = None
    ) -> None:
        """Lets a relation be called otherwise from either end, or hidden or shown again; "" resets."""
        shaping.shape_relation(self.desk, relation, shaping.Shape(title=title, inverse=inverse, hidden=hidden))

    def add_choice(self, table: str, field: str, choice: str) -> None:
        """Adds something that a field of choices offers, a module's or one's own."""
        shaping.add_choice(self.desk, table, field, choice)

    def remove_choice(self, table: str, field: str, choice: str) -> None:
        """Takes back a choice that people added; records that have it keep it."""
        shaping.remove_choice(self.desk, table, field, choice)
