"""What no catalog tells of a schema: who only acted, what belongs without a key, what is nobody's."""

from __future__ import annotations

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """Written by reading a schema's models and code, not the settings of a purge.

    `reference` tables hold nobody's rows. `implicit` links have no foreign key. `free` columns hold UUIDs of
    nothing in the database. Of the columns that refer to users, those called user_id and `subjects` tell whose a
    row is, all others and `inviters` who did it. `lent` columns let go of what they refer to. `moved` are keys that
    a column may hold besides those it is linked to, `no_key` columns may hold the zero UUID. `settings` are what a
    team with this schema has in its notifydb.toml.
    """

    reference: frozenset[str]
    implicit: tuple[str, ...]
    free: frozenset[str] = frozenset()
    inviters: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    lent: frozenset[str] = frozenset({"inbound_numbers.service_id"})
    moved: tuple[tuple[str, str, str], ...] = (("complaints", "notification_id", "notification_history"),)
    no_key: tuple[tuple[str, str], ...] = (("ft_notification_status", "job_id"),)
    settings: str = ""


_HISTORIES: Final = (
    "services_history.id -> services.id",
    "services_history.created_by_id -> users.id",
    "services_history.go_live_user_id -> users.id",
    "services_history.organization_id -> organization.id",
    "services_history.organisation_id -> organisation.id",
    "templates_history.id -> templates.id",
    "api_keys_history.id -> api_keys.id",
    "api_keys_history.service_id -> services.id",
    "api_keys_history.created_by_id -> users.id",
    "service_inbound_api_history.id -> service_inbound_api.id",
    "service_inbound_api_history.service_id -> services.id",
    "service_inbound_api_history.updated_by_id -> users.id",
    "service_callback_api_history.id -> service_callback_api.id",
    "service_callback_api_history.service_id -> services.id",
    "service_callback_api_history.updated_by_id -> users.id",
    "inbound_sms_history.service_id -> services.id",
    "notification_history.service_id -> services.id",
    "notification_history.template_id -> templates.id",
    "notification_history.job_id -> jobs.id",
    "notification_history.api_key_id -> api_keys.id",
    "notification_history.created_by_id -> users.id",
    "provider_details_history.id -> provider_details.id",
    "provider_details_history.created_by_id -> users.id",
)
_FACTS: Final = (
    "complaints.notification_id -> notifications.id",
    "ft_billing.service_id -> services.id",
    "ft_billing.template_id -> templates.id",
    "ft_notification_status.service_id -> services.id",
    "ft_notification_status.template_id -> templates.id",
    "ft_notification_status.job_id -> jobs.id",
    "events.data->>'user_id' -> users.id",
)
_FREE: Final = frozenset({"users.current_session_id", "notification_history.id", "inbound_sms_history.id"})
_COMMON: Final = frozenset({
    "alembic_version", "domain", "email_branding", "ft_processing_time", "organization", "provider_details",
    "provider_details_history", "invited_organization_users", "rates",
})  # fmt: skip

OWN: Final = Profile(
    reference=_COMMON
    | {
        "auth_type", "branding_type", "email_branding_to_organization", "invite_status_types", "job_status",
        "key_types", "notification_status_types", "organization_types", "provider_rates", "template_process_type",
        "service_permission_types",
    },
    implicit=(*_HISTORIES, *_FACTS),
    free=_FREE,
)  # fmt: skip
GSA: Final = Profile(
    reference=_COMMON | {"agreements"},
    implicit=(*_HISTORIES, *_FACTS, "agreements.organization_id -> organization.id"),
    free=_FREE,
    # The one who sent the invitation: the application calls it from_user.
    inviters=frozenset({"invited_users.user_id"}),
)
_ALPHAGOV_IMPLICIT: Final = (
    "returned_letters.notification_id -> notifications.id",
    "notifications_letter_despatch.notification_id -> notifications.id",
    "template_email_files_history.id -> template_email_files.id",
    "unsubscribe_request.notification_id -> notifications.id",
    "unsubscribe_request_history.notification_id -> notifications.id",
    "unsubscribe_request_history.template_id -> templates.id",
    "unsubscribe_request_history.unsubscribe_request_report_id -> unsubscribe_request_report.id",
)


def _toml(**settings: tuple[str, ...]) -> str:
    return "\n".join(("[purge]", *(f"{name} = {list(texts)}" for name, texts in settings.items()), ""))


ALPHAGOV: Final = Profile(
    reference=_COMMON - {"organization", "invited_organization_users"}
    | {
        "auth_type", "branding_type", "default_annual_allowance", "email_branding_to_organisation",
        "ft_billing_letter_despatch", "invite_status_type", "invited_organisation_users", "job_status", "key_types",
        "letter_attachment", "letter_branding", "letter_branding_to_organisation", "letter_rates",
        "notification_status_types", "organisation", "organisation_permissions", "organisation_types",
        "protected_sender_ids", "service_callback_type", "service_permission_types",
    },
    implicit=(*_HISTORIES, *_FACTS, *_ALPHAGOV_IMPLICIT),
    free=_FREE,
    inviters=frozenset({"invited_users.user_id"}),
    subjects=frozenset({"service_join_requests.requester_id"}),
    moved=(
        ("complaints", "notification_id", "notification_history"),
        ("returned_letters", "notification_id", "notification_history"),
        ("unsubscribe_request", "notification_id", "notification_history"),
        ("notifications_letter_despatch", "notification_id", "notification_history"),
    ),
    settings=_toml(
        implicit=(
            *_HISTORIES,
            *_FACTS,
            *_ALPHAGOV_IMPLICIT,
            "notifications_letter_despatch.notification_id -> notification_history.id",
        ),
        policies=("inbound_numbers.service_id=null", "invited_users.user_id=refuse"),
    ),
)  # fmt: skip
_CDS_IMPLICIT: Final = (
    "monthly_notification_stats_summary.service_id -> services.id",
    "template_categories.updated_by_id -> users.id",
)
CDS: Final = Profile(
    reference=_COMMON - {"ft_processing_time", "organization", "invited_organization_users"}
    | {
        "auth_type", "branding_type", "daily_sorted_letter", "dm_datetime", "invite_status_type",
        "invited_organisation_users", "job_status", "key_types", "letter_branding", "letter_rates",
        "notification_status_types", "organisation", "organisation_types", "provider_rates", "service_callback_type",
        "service_permission_types", "template_categories", "template_process_type",
    },
    implicit=(*_HISTORIES, *_FACTS, *_CDS_IMPLICIT),
    free=_FREE
    | {
        "files.document_id", "jobs.sender_id", "organisation.email_branding_id",
        "templates_history.template_category_id",
    },
    inviters=frozenset({"invited_users.user_id"}),
    subjects=frozenset({"reports.requesting_user_id"}),
    settings=_toml(extend_implicit=_CDS_IMPLICIT),
)  # fmt: skip
_VA_IMPLICIT: Final = (
    "service_callback_history.id -> service_callback.id",
    "service_callback_history.service_id -> services.id",
    "service_callback_history.updated_by_id -> users.id",
    "notification_failures.notification_id -> notifications.id",
    "va_profile_local_cache.notification_id -> notifications.id",
)
VA: Final = Profile(
    reference=_COMMON - {"ft_processing_time", "organization", "invited_organization_users"}
    | {
        "auth_type", "branding_type", "communication_items", "daily_sorted_letter", "dm_datetime",
        "invite_status_type", "invited_organisation_users", "job_status", "key_types", "letter_rates",
        "notification_status_types", "organisation", "organisation_types", "provider_rates",
        "service_callback_channel", "service_callback_type", "service_permission_types", "sessions",
        "template_process_type",
    },
    implicit=(*_HISTORIES, *_FACTS, *_VA_IMPLICIT),
    # What is promoted lives in another environment.
    free=_FREE
    | {
        "promoted_templates.promoted_service_id", "promoted_templates.promoted_template_id",
        "services_history.email_provider_id", "services_history.sms_provider_id", "templates_history.provider_id",
        "templates_history.communication_item_id",
    },
    inviters=frozenset({"invited_users.user_id"}),
    settings=_toml(extend_implicit=_VA_IMPLICIT),
)  # fmt: skip
PROFILES: Final = {"own": OWN, "gsa": GSA, "alphagov": ALPHAGOV, "cds": CDS, "va": VA}
