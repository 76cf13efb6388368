"""Settings, from the environment (`COUNTERSIGN_…`) with defaults for an embedded start. docs/settings.md lists them."""

import secrets
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything an operator can set. Absent files and folders are made on first use."""

    model_config = SettingsConfigDict(env_prefix="COUNTERSIGN_", frozen=True, extra="ignore")

    home: Path = Field(Path("var"), description="Folder for the embedded database, the secret key and the logs")
    database_url: str = Field("", description="SQLAlchemy URL; empty = SQLite in the home folder")
    data_dir: Path = Field(Path(), description="Folder of the customer dataset; empty = home/data")
    connections: Path = Field(
        Path(), description="YAML file with databases to import from and to select on, name: address; empty = none"
    )
    customers: str = Field(
        "",
        pattern=r"^(\w[\w-]*(:.+)?)?$",
        description="Where the customers are: CONNECTION or CONNECTION:SCHEMA of the connections; empty = the dataset",
    )
    public_url: str = Field("http://127.0.0.1:8000", description="Address that links in notifications start with")
    language: Literal["zh", "en"] = Field("zh", description="Language for visitors who chose none")
    time_zone: str = Field("Asia/Shanghai", description="Time zone of deadlines, quiet hours and pages")
    office_hours: str = Field(
        "",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$",
        description="Office hours, as 09:00-17:30, within which deadlines in working days end; empty = any time of day",
    )
    mail_url: str = Field("", description="Apprise URL of staff mail, {to} stands for the address; empty = none")
    report_attachment_mb: float = Field(
        0,
        ge=0,
        le=25,
        description="Largest attachment of a scheduled report in MB, a larger one goes as a link; 0 = links alone",
    )
    sms_url: str = Field("", description="SMS gateway: POST {sms_url}/messages; empty = none")
    sms_guarantee: Literal["exactly_once_effect", "query_then_send", "at_most_once"] = Field(
        "exactly_once_effect",
        description="What the SMS gateway can do: exactly_once_effect (takes our message ids as idempotency keys),"
        " query_then_send (can be asked by them), at_most_once (neither)",
    )
    sms_secret: str = Field("", description="Key that signs requests to the SMS gateway and receipts from it")
    customer_mail_url: str = Field(
        "",
        pattern=r"^(smtps?://\S+)?$",
        description="SMTP server of e-mail to customers, smtp(s)://user:password@host:port; empty = none",
    )
    customer_mail_from: str = Field(
        "", description="Sender of e-mail to customers, as 营销中心 <news@example.org>; empty = none is sent"
    )
    customer_mail_bounces: str = Field(
        "",
        description="Address that what comes back goes to, with a name for each mail: bounces@example.org gets"
        " bounces+NAME@example.org; empty = the sender's, without names",
    )
    customer_mail_secret: str = Field("", description="Key that signs bounced mail handed in; empty = none is taken")
    delivery_webhook_url: str = Field(
        "", description="Address of the channel webhook: POST {delivery_webhook_url}/messages; empty = none"
    )
    delivery_webhook_secret: str = Field(
        "", description="Key that signs requests to the channel webhook and receipts from it"
    )
    link_hosts: str = Field(
        "",
        description="Hosts that links in messages may lead to, by commas; .example.org stands for every host of it",
    )
    machine_networks: Path = Field(
        Path(),
        description="File with networks of machines (data centres, scanners), one a line as 203.0.113.0/24: who follows"
        " a link from there counts as a machine; empty = none",
    )
    private_addresses: bool = Field(False, description="Whether webhooks and bots may lie in private networks")
    webhook_days: int = Field(5, ge=1, description="Days of failure after which a webhook is disabled")
    link_days: int = Field(14, description="Days after which a link in a notification expires")
    direct_budget: Decimal = Field(
        Decimal(0),
        ge=0,
        description="Budget up to which a link decides without a sign-in, where a definition says `direct`; 0 = never",
    )
    step_up_budget: Decimal = Field(
        Decimal(0),
        ge=0,
        description="Budget above which a decision asks for a password given in the last 15 minutes; 0 = no such limit",
    )
    session_hours: int = Field(12, description="Hours without use after which a session ends")
    session_days: int = Field(7, ge=1, description="Days after which a session ends in any case")
    reset_hours: int = Field(24, ge=1, description="Hours for which a link to choose a new password works")
    second_factor: Literal["optional", "administrators", "everybody"] = Field(
        "optional", description="Who must have a second factor: optional, administrators, everybody"
    )
    oidc_issuer: str = Field("", description="Address of the OpenID Connect provider to sign in with; empty = none")
    oidc_client_id: str = Field("", description="What the provider calls this application")
    oidc_client_secret: str = Field("", description="Its password at the provider; empty for a public client")
    oidc_claim: str = Field(
        "preferred_username", description="Claim of the provider that is the sign-in name, or email for the address"
    )
    oidc_name: str = Field("", description="What the provider is called on the sign-in page; empty = its host name")
    device_days: int = Field(90, description="Days a remembered device is remembered")
    retention_days: int = Field(
        180,
        ge=0,
        description="Days after which messages that went or were given up and keys of requests are deleted; 0 = never",
    )
    metrics_token: str = Field(
        "", description="Bearer token that GET /metrics asks for; empty = only requests from this machine"
    )
    memory_limit: str = Field("400MB", description="DuckDB's memory limit of one selection")
    poll_seconds: float = Field(2, gt=0, description="Seconds between two looks for due work, while there is none")
    run_seconds: int = Field(300, ge=5, description="Seconds between two scheduled runs of a flow, each that long")
    selection_seconds: int = Field(600, description="Seconds after which a selection is stopped")

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force; PostgreSQL always with the psycopg2 driver."""
        if not self.database_url:
            return f"sqlite:///{(self.home / 'countersign.db').resolve()}"
        for plain in ("postgresql://", "postgres://"):
            if self.database_url.startswith(plain):
                return "postgresql+psycopg2://" + self.database_url.removeprefix(plain)
        return self.database_url

    @property
    def data(self) -> Path:
        """The dataset's folder in force."""
        return self.data_dir if self.data_dir != Path() else self.home / "data"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in force."""
        return ZoneInfo(self.time_zone)

    @property
    def secret_key(self) -> bytes:
        """256 bits that sign cookies and seal what only we may read: the first line of the file secret.key."""
        return self.secret_keys[0]

    @cached_property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The key in force, then earlier ones, which open what they sealed and seal nothing more. Made on first use,
        readable by the owner alone."""
        path = self.home / "secret.key"
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(secrets.token_hex(32))
        except FileExistsError:
            pass
        return tuple(bytes.fromhex(line) for line in path.read_text().split())
