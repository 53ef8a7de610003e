"""Everything that tests leave behind, among everything that is not theirs."""

from __future__ import annotations

import dataclasses
import random
import uuid
from collections.abc import Iterable

from purge_check.catalog import Connection
from purge_check.filler import Filler, Label, Row, Scene, Unfillable
from purge_check.schema import MEMBERS, OF_MEMBERS, OF_SERVICES, OF_USERS, SERVICES, USERS, Schema

PREFIX = "notify-tests-preview"


@dataclasses.dataclass(frozen=True, slots=True)
class Cast:
    """Who and what the checks need by name."""

    test: Row
    real: Row
    real_service: Scene
    shared_service: Scene


class World:
    """Users of every sort and services of every kind, with rows in each table."""

    def __init__(self, conn: Connection, schema: Schema, seed: int) -> None:
        self.conn = conn
        self.chance = random.Random(seed)
        self.filler = Filler(conn, schema, self.chance)

    def build(self, copies: int) -> Cast:
        """Fills the database in one transaction, and copies what can be; raises Unfillable for a table that
        stays without a row."""
        with self.conn.transaction():
            self.reference()
            cast = self._cast()
            if copies:
                self.filler.multiply(copies)
            return cast

    def reference(self) -> None:
        """One row more of what is nobody's, where its table takes one."""
        maker = self._insert_user("real", f"first-{self._uuid()}@example.gov")
        tables = sorted(self.filler.schema.profile.reference - {"alembic_version"})
        # What refers to another reference table comes after it.
        for round_ in (1, 2):
            for table in tables:
                if not any(row.table == table for row in self.filler.rows):
                    try:
                        self.filler.insert(table, Scene("real", actor=maker))
                    except Unfillable:
                        is_empty = self.conn.execute(f"SELECT FROM {table}").fetchone() is None
                        if is_empty and round_ == 2:
                            raise

    def _cast(self) -> Cast:
        real = [self.user("real", f"person-{self._uuid()}@example.gov") for _ in range(4)]
        tests = [self.user("test", self.address()) for _ in range(6)]
        tests.append(self.user("test", self.address(f"{PREFIX}-admin")))
        tests.append(self.user("test", f"{PREFIX}+{str(self._uuid()).upper()}@example.gov"))
        self.service(tests[0], [tests[0]])
        self.service(tests[0], [tests[0], tests[1]])
        self.service(tests[1], [])
        # Somebody real made it for those who test.
        self.service(real[3], [tests[4]], label="test")
        self.service(tests[5], [tests[6], tests[7]])
        shared = self.service(real[0], [real[0], tests[1], tests[2]], label="shared")
        own = self.service(real[1], [real[1], real[2]])
        self.service(real[2], [])
        self.join(self.seeded(), [tests[2]])
        self.special()
        return Cast(tests[3], real[1], own, shared)

    def special(self) -> None:
        """Those who look like tests and are none; each has a service of one's own."""
        for email in (
            f"{PREFIX}@example.gov",
            f"{PREFIX}+1@example.gov",
            f"{PREFIX}+{self._uuid()}x@example.gov",
            f"{PREFIX}-{self._uuid()}@example.gov",
            f"my-{self.address()}",
            self.address("notifyxtests_preview"),
            f"person@{self.address()}",
        ):
            user = self.user("real", email)
            self.service(user, [user])
        cased = self.user("case", self.address("Notify-Tests-Preview"))
        self.service(cased, [cased])
        cased = self.user("case", self.address("Notify-Tests-Preview"))
        self.service(cased, [cased])
        admin = self.user("real", self.address(), platform_admin="true")
        self.service(admin, [admin])

    def address(self, prefix: str = PREFIX) -> str:
        return f"{prefix}+{self._uuid()}@example.gov"

    def user(self, label: Label, email: str, **given: str) -> Row:
        user = self._insert_user(label, email, **given)
        self.filler.fill(OF_USERS, Scene(label, actor=user, rows={USERS: user}))
        return user

    def service(self, creator: Row, members: Iterable[Row], label: Label | None = None) -> Scene:
        """A service with all that services have; it is the creator's unless a label is given."""
        scene = Scene(label or creator.label, actor=creator)
        scene.rows[SERVICES] = self.filler.insert(SERVICES, scene, label=scene.label)
        self.filler.fill(OF_SERVICES, scene)
        self.join(scene, members)
        return scene

    def join(self, scene: Scene, members: Iterable[Row]) -> None:
        """Makes users members, with all that a member has in a service."""
        for member in members:
            inner = Scene(scene.label, actor=member, around=scene, rows={USERS: member})
            inner.rows[MEMBERS] = self.filler.insert(MEMBERS, inner)
            inner.done.add(MEMBERS)
            self.filler.fill(OF_MEMBERS, inner)

    def seeded(self) -> Scene:
        """The service that the migrations load, with what they load for it."""
        made = {row.text for row in self.filler.rows if row.table == SERVICES}
        (service, *_) = (row for row in self.filler.existing(SERVICES) if row.text not in made)
        return Scene("seed", rows={SERVICES: service})

    def _insert_user(self, label: Label, email: str, **given: str) -> Row:
        values = {"email_address": email, "platform_admin": "false", **given}
        return self.filler.insert(USERS, Scene(label), given=values, label=label)

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)
