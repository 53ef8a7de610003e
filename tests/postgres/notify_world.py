"""A Notify database with every kind of relation, in which each row is told to be a test's or not."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from postgres.purge_support import Filler, address

SEEDED_SERVICE = "3c068010-5bfe-4bca-bf39-33b43a52ed7f"
Row = dict[str, Any]


class World(Filler):
    """Users and services with all that they can own; what a service's tests leave is `test`."""

    def __init__(self, conn: sa.Connection) -> None:
        super().__init__(conn)
        self.organization = self.insert("organization", name="A real body")
        self.branding = self.insert("email_branding", name="A real brand")
        self.numbers = 0

    def user(self, owner: str, email: str | None = None, **more: Any) -> Row:
        with self.whose(owner):
            email = email or (address() if owner == "test" else f"person-{uuid.uuid4()}@example.gov")
            user = self.insert("users", email_address=email, state="active", auth_type="email_auth", **more)
            user["owner"] = owner
            for table in ("verify_codes", "login_events", "webauthn_credential"):
                self.insert(table, user_id=user["id"])
            self.insert("events", event_type="login", data=f'{{"user_id": "{user["id"]}"}}')
            self.insert("user_to_organization", user_id=user["id"], organization_id=self.organization["id"])
        return user

    def join(self, service: Row, *members: Row, folder: Row | None = None) -> None:
        """Makes users members; what they have in a service goes with either of the two."""
        for member in members:
            with self.whose("test" if "test" in (member["owner"], service["owner"]) else "real"):
                both = {"service_id": service["id"], "user_id": member["id"]}
                self.insert("user_to_service", **both)
                self.insert("permissions", permission="send_texts", **both)
                self.insert("report_requests", **both)
                if folder is not None:
                    self.insert("user_folder_permissions", template_folder_id=folder["id"], **both)

    def service(self, owner: str, creator: Row, members: Sequence[Row]) -> Row:
        """A service of `creator` with rows in every table that belongs to services."""
        with self.whose(owner):
            service = self.insert("services", created_by_id=creator["id"])
            service["owner"] = owner
            self.insert("services_history", id=service["id"], created_by_id=creator["id"])
            self._settings(service["id"], creator["id"])
            folder = self._templates(service["id"], creator["id"])
        self.join(service, *members, folder=folder)
        return service

    def _settings(self, service: Any, user: Any) -> None:
        for table in ("service_sms_senders", "service_email_reply_to", "service_guest_list", "annual_billing",
                      "daily_notification_counts", "inbound_sms", "inbound_sms_history"):  # fmt: skip
            self.insert(table, service_id=service)
        self.insert("service_permissions", service_id=service, permission="sms")
        self.insert("service_data_retention", service_id=service, days_of_retention=7)
        self.insert("service_email_branding", service_id=service, email_branding_id=self.branding["id"])
        for table in ("service_inbound_api", "service_callback_api"):
            api = self.insert(table, service_id=service, updated_by_id=user)
            self.insert(f"{table}_history", id=api["id"], version=1, service_id=service, updated_by_id=user)
        self.insert("invited_users", service_id=service, invited_by_id=user)

    def _templates(self, service: Any, user: Any) -> Row:
        made = {"service_id": service, "created_by_id": user}
        template = self.insert("templates", template_type="sms", version=1, **made)
        self.insert("templates_history", id=template["id"], version=1, **made)
        self.insert("template_redacted", template_id=template["id"], updated_by_id=user)
        outer = self.insert("template_folder", service_id=service)
        folder = self.insert("template_folder", service_id=service, parent_id=outer["id"])
        self.insert("template_folder_map", template_id=template["id"], template_folder_id=folder["id"])
        self._messages(made, template["id"])
        return folder

    def _messages(self, made: Row, template: Any) -> None:
        service = made["service_id"]
        key = self.insert("api_keys", **made)
        self.insert("api_keys_history", id=key["id"], version=1, **made)
        contacts = self.insert("service_contact_list", **made)
        job = self.insert(
            "jobs", template_id=template, template_version=1, contact_list_id=contacts["id"], **made
        )
        message = {
            "template_id": template,
            "template_version": 1,
            "job_id": job["id"],
            "api_key_id": key["id"],
        }
        notification = self.insert("notifications", **message, **made)
        self.insert("scheduled_notifications", notification_id=notification["id"])
        self.insert("complaints", notification_id=notification["id"], service_id=service)
        old = self.insert("notification_history", **message, **made)
        # The notification that this complaint is about has moved to the history.
        self.insert("complaints", notification_id=old["id"], service_id=service)
        self.insert("ft_billing", template_id=template, service_id=service)
        self.insert("ft_notification_status", template_id=template, service_id=service, job_id=job["id"])


def fill(world: World) -> dict[str, Any]:
    """Everything that purge.md names, in one database whose purge nothing stands in the way of."""
    real, other = world.user("real"), world.user("real")
    tests = [world.user("test") for _ in range(6)]
    own = world.service("test", tests[0], tests[:1])
    world.service("test", tests[0], tests[:2])
    world.service("test", tests[4], tests[4:5])
    world.service("test", tests[4], tests[4:5])
    world.service("test", tests[3], [])
    shared = world.service("real", real, [real, tests[1], tests[2]])
    world.service("real", other, [real, other])
    world.join({"id": SEEDED_SERVICE, "owner": "real"}, tests[2])
    for kept in ("notify-tests-preview@example.gov", "notify-tests-preview+1@example.gov",
                 address("Notify-Tests-Preview"), address("my-notify-tests-preview")):  # fmt: skip
        user = world.user("real", kept)
        world.service("real", user, [user])
    admin = world.user("real", address(), platform_admin=True)
    world.service("real", admin, [admin])
    world.insert("inbound_numbers", service_id=shared["id"])
    with world.whose("lent"):
        world.insert("inbound_numbers", service_id=own["id"])
    invited = {"organization_id": world.organization["id"], "invited_by_id": real["id"]}
    world.insert("invited_organization_users", **invited)
    return {"own": own, "shared": shared, "tests": tests, "real": real}
