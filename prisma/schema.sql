-- What PostgreSQL looks like after all migrations. Written by `npm run db:new`, compared by a test; never edited by hand.

CREATE TYPE "DeadLetterState" AS ENUM ('OPEN', 'RETRIED', 'RESOLVED');

CREATE TYPE "EmailTokenPurpose" AS ENUM ('VERIFY_EMAIL', 'RESET_PASSWORD', 'CHANGE_EMAIL');

CREATE TYPE "InvitationStatus" AS ENUM ('PENDING', 'ACCEPTED', 'REVOKED', 'EXPIRED', 'DECLINED');

CREATE TYPE "LoginMethod" AS ENUM ('PASSWORD', 'OAUTH');

CREATE TYPE "Role" AS ENUM ('OWNER', 'ADMIN', 'MEMBER');

CREATE TYPE "UploadState" AS ENUM ('PENDING', 'RECEIVING', 'SCANNING', 'READY', 'FAILED', 'ABORTED', 'EXPIRED', 'QUARANTINED');

CREATE TYPE "WebhookDeliveryStatus" AS ENUM ('PENDING', 'SENDING', 'SUCCEEDED', 'FAILED', 'CANCELED');

CREATE TYPE "WebhookEndpointStatus" AS ENUM ('PENDING_VERIFICATION', 'ENABLED', 'PAUSED', 'DISABLED');

CREATE OR REPLACE FUNCTION public.count_seats()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  UPDATE organizations o SET seats = o.seats + CASE TG_OP WHEN 'INSERT' THEN c.n ELSE -c.n END
  FROM (SELECT organization_id, count(*)::int AS n FROM changed GROUP BY organization_id) c WHERE o.id = c.organization_id;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.discard_object()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  INSERT INTO discarded_objects (storage_key) VALUES (OLD.storage_key) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END;
$function$;

CREATE OR REPLACE FUNCTION public.refuse_losing_last_owner()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF EXISTS (SELECT FROM organizations WHERE id = OLD.organization_id)
     AND NOT EXISTS (SELECT FROM memberships WHERE organization_id = OLD.organization_id AND role = 'OWNER') THEN
    RAISE EXCEPTION 'an organization must keep an owner' USING ERRCODE = 'check_violation', CONSTRAINT = 'memberships_last_owner';
  END IF;
  RETURN NULL;
END $function$;

CREATE TABLE api_keys (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_by_id uuid NOT NULL,
    name text NOT NULL,
    scopes text[],
    hint text NOT NULL,
    digest bytea NOT NULL,
    previous_digest bytea,
    previous_secret_expires_at timestamp(3) with time zone,
    created_at timestamp(3) with time zone NOT NULL,
    last_used_at timestamp(3) with time zone,
    expires_at timestamp(3) with time zone NOT NULL,
    revoked_at timestamp(3) with time zone,
    end_told_at timestamp(3) with time zone,
    CONSTRAINT api_keys_created_by_id_fkey FOREIGN KEY (created_by_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id)
);

CREATE TABLE attempt_counters (
    key text NOT NULL,
    failures integer NOT NULL,
    last_failure timestamp(3) with time zone NOT NULL,
    locked_until timestamp(3) with time zone,
    CONSTRAINT attempt_counters_pkey PRIMARY KEY (key)
);

CREATE TABLE audit_checkpoints (
    id uuid NOT NULL,
    chain_id uuid NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    signature text NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (id)
);

CREATE TABLE audit_entries (
    id uuid NOT NULL,
    chain_id uuid NOT NULL,
    sequence bigint NOT NULL,
    action text NOT NULL,
    actor_kind text NOT NULL,
    actor_user_id uuid,
    session_id uuid,
    target_type text,
    target_id uuid,
    ip_address text,
    user_agent text,
    metadata jsonb NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    api_key_id uuid,
    CONSTRAINT audit_entries_pkey PRIMARY KEY (id)
);

CREATE TABLE audit_export_parts (
    organization_id uuid NOT NULL,
    export_id uuid NOT NULL,
    "position" integer NOT NULL,
    lines text NOT NULL,
    CONSTRAINT audit_export_parts_organization_id_export_id_fkey FOREIGN KEY (organization_id, export_id) REFERENCES audit_exports(organization_id, id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT audit_export_parts_pkey PRIMARY KEY (organization_id, export_id, "position")
);

CREATE TABLE audit_exports (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    requested_by_id uuid NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    ready_at timestamp(3) with time zone,
    CONSTRAINT audit_exports_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT audit_exports_organization_id_requested_by_id_fkey FOREIGN KEY (organization_id, requested_by_id) REFERENCES memberships(organization_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT audit_exports_pkey PRIMARY KEY (id)
);

CREATE TABLE audit_heads (
    chain_id uuid NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_heads_pkey PRIMARY KEY (chain_id)
);

CREATE TABLE backup_codes (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    digest bytea NOT NULL,
    used_at timestamp(3) with time zone,
    CONSTRAINT backup_codes_pkey PRIMARY KEY (id),
    CONSTRAINT backup_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE billing_accounts (
    organization_id uuid NOT NULL,
    customer_id text NOT NULL,
    subscription_id text,
    plan_id text NOT NULL,
    status text NOT NULL,
    current_period_start timestamp(3) with time zone,
    current_period_end timestamp(3) with time zone,
    cancel_at_period_end boolean DEFAULT false NOT NULL,
    past_due_since timestamp(3) with time zone,
    fetch_number integer DEFAULT 0 NOT NULL,
    written_fetch integer DEFAULT 0 NOT NULL,
    CONSTRAINT billing_accounts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT billing_accounts_pkey PRIMARY KEY (organization_id)
);

CREATE TABLE call_counters (
    organization_id uuid NOT NULL,
    period_start timestamp(3) with time zone NOT NULL,
    period_end timestamp(3) with time zone NOT NULL,
    leased bigint DEFAULT 0 NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    notified_percent integer DEFAULT 0 NOT NULL,
    CONSTRAINT call_counters_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT call_counters_pkey PRIMARY KEY (organization_id, period_start)
);

CREATE TABLE dead_letter_alerts (
    queue text NOT NULL,
    alerted_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT dead_letter_alerts_pkey PRIMARY KEY (queue)
);

CREATE TABLE dead_letters (
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    queue text NOT NULL,
    payload jsonb NOT NULL,
    error text NOT NULL,
    history jsonb NOT NULL,
    attempts integer NOT NULL,
    organization_id uuid,
    state "DeadLetterState" DEFAULT 'OPEN'::"DeadLetterState" NOT NULL,
    failed_at timestamp(3) with time zone NOT NULL,
    resolved_by_id uuid,
    resolved_at timestamp(3) with time zone,
    note text,
    CONSTRAINT dead_letters_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE SET NULL,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letters_resolved_by_id_fkey FOREIGN KEY (resolved_by_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE SET NULL
);

CREATE TABLE discarded_objects (
    storage_key text NOT NULL,
    CONSTRAINT discarded_objects_pkey PRIMARY KEY (storage_key)
);

CREATE TABLE egress_days (
    organization_id uuid NOT NULL,
    day date NOT NULL,
    bytes bigint NOT NULL,
    CONSTRAINT egress_days_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT egress_days_pkey PRIMARY KEY (organization_id, day)
);

CREATE TABLE email_tokens (
    user_id uuid NOT NULL,
    purpose "EmailTokenPurpose" NOT NULL,
    digest bytea NOT NULL,
    email text NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT email_tokens_pkey PRIMARY KEY (user_id, purpose),
    CONSTRAINT email_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE files (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    uploaded_by_id uuid,
    name text NOT NULL,
    size bigint NOT NULL,
    content_type text NOT NULL,
    sha256 text NOT NULL,
    storage_key text NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    trashed_at timestamp(3) with time zone,
    CONSTRAINT files_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT files_pkey PRIMARY KEY (id),
    CONSTRAINT files_uploaded_by_id_fkey FOREIGN KEY (uploaded_by_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE SET NULL
);

CREATE TABLE idempotent_requests (
    id uuid NOT NULL,
    caller_id uuid NOT NULL,
    key_digest bytea NOT NULL,
    fingerprint bytea NOT NULL,
    answer text,
    expires_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT idempotent_requests_pkey PRIMARY KEY (id)
);

CREATE TABLE identities (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    provider text NOT NULL,
    subject text NOT NULL,
    email text,
    created_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (id),
    CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE invitations (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    email text NOT NULL,
    role "Role" NOT NULL,
    status "InvitationStatus" DEFAULT 'PENDING'::"InvitationStatus" NOT NULL,
    token_digest bytea,
    invited_by_id uuid,
    created_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT invitations_invited_by_id_fkey FOREIGN KEY (invited_by_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE SET NULL,
    CONSTRAINT invitations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT invitations_pkey PRIMARY KEY (id)
);

CREATE TABLE mail_suppressions (
    email text NOT NULL,
    job_id uuid NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT mail_suppressions_pkey PRIMARY KEY (email)
);

CREATE TABLE memberships (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role "Role" NOT NULL,
    joined_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT memberships_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT memberships_pkey PRIMARY KEY (id),
    CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE mfa_challenges (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    digest bytea NOT NULL,
    method "LoginMethod" NOT NULL,
    attempts_left integer NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT mfa_challenges_pkey PRIMARY KEY (id),
    CONSTRAINT mfa_challenges_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE notification_feeds (
    user_id uuid NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT notification_feeds_pkey PRIMARY KEY (user_id),
    CONSTRAINT notification_feeds_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE notification_preferences (
    user_id uuid NOT NULL,
    type text NOT NULL,
    channel text NOT NULL,
    is_enabled boolean NOT NULL,
    CONSTRAINT notification_preferences_pkey PRIMARY KEY (user_id, type, channel),
    CONSTRAINT notification_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE notifications (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid,
    type text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    read_at timestamp(3) with time zone,
    change_position bigint NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT notifications_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE oauth_states (
    digest bytea NOT NULL,
    provider text NOT NULL,
    browser_digest bytea NOT NULL,
    code_verifier text NOT NULL,
    nonce text NOT NULL,
    redirect_uri text NOT NULL,
    link_session_id uuid,
    expires_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT oauth_states_pkey PRIMARY KEY (digest)
);

CREATE TABLE open_checkouts (
    organization_id uuid NOT NULL,
    plan_id text NOT NULL,
    request_id uuid NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    cancel_url text NOT NULL,
    session_id text,
    success_url text NOT NULL,
    CONSTRAINT open_checkouts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT open_checkouts_pkey PRIMARY KEY (organization_id)
);

CREATE TABLE organizations (
    id uuid NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    requires_mfa boolean DEFAULT false NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    seats integer DEFAULT 0 NOT NULL,
    CONSTRAINT organizations_pkey PRIMARY KEY (id)
);

CREATE TABLE quota_limits (
    organization_id uuid NOT NULL,
    resource text NOT NULL,
    override bigint,
    cap bigint,
    CONSTRAINT quota_limits_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT quota_limits_pkey PRIMARY KEY (organization_id, resource)
);

CREATE TABLE rate_limits (
    key character varying(255) NOT NULL,
    points integer NOT NULL,
    expire bigint,
    CONSTRAINT rate_limits_pkey PRIMARY KEY (key)
);

CREATE TABLE sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    method "LoginMethod" NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    refresh_digest bytea NOT NULL,
    previous_refresh_digest bytea,
    rotated_at timestamp(3) with time zone NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    last_seen_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    idle_expires_at timestamp(3) with time zone NOT NULL,
    authenticated_at timestamp(3) with time zone NOT NULL,
    mfa_satisfied_at timestamp(3) with time zone,
    active_organization_id uuid,
    ip_address text,
    user_agent text,
    revoked_at timestamp(3) with time zone,
    revoke_reason text,
    CONSTRAINT sessions_active_membership_fkey FOREIGN KEY (active_organization_id, user_id) REFERENCES memberships(organization_id, user_id) ON UPDATE CASCADE ON DELETE SET NULL (active_organization_id),
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE storage_usages (
    organization_id uuid NOT NULL,
    used_bytes bigint DEFAULT 0 NOT NULL,
    reserved_bytes bigint DEFAULT 0 NOT NULL,
    CONSTRAINT storage_usages_not_negative_check CHECK (((used_bytes >= 0) AND (reserved_bytes >= 0))),
    CONSTRAINT storage_usages_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT storage_usages_pkey PRIMARY KEY (organization_id)
);

CREATE TABLE stripe_events (
    id text NOT NULL,
    type text NOT NULL,
    customer_id text,
    organization_id uuid,
    received_at timestamp(3) with time zone NOT NULL,
    processed_at timestamp(3) with time zone,
    CONSTRAINT stripe_events_pkey PRIMARY KEY (id)
);

CREATE TABLE thumbnails (
    file_id uuid NOT NULL,
    edge integer NOT NULL,
    bytes integer NOT NULL,
    storage_key text NOT NULL,
    CONSTRAINT thumbnails_file_id_fkey FOREIGN KEY (file_id) REFERENCES files(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT thumbnails_pkey PRIMARY KEY (file_id, edge)
);

CREATE TABLE totp_enrollments (
    user_id uuid NOT NULL,
    secret text NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT totp_enrollments_pkey PRIMARY KEY (user_id),
    CONSTRAINT totp_enrollments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE totp_factors (
    user_id uuid NOT NULL,
    secret text NOT NULL,
    last_used_step bigint NOT NULL,
    confirmed_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT totp_factors_pkey PRIMARY KEY (user_id),
    CONSTRAINT totp_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE uploads (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_by_id uuid,
    session_id uuid,
    api_key_id uuid,
    file_id uuid,
    state "UploadState" DEFAULT 'PENDING'::"UploadState" NOT NULL,
    failure text,
    name text NOT NULL,
    declared_size bigint,
    declared_sha256 text,
    client_key text,
    reserved_bytes bigint NOT NULL,
    received_bytes bigint DEFAULT 0 NOT NULL,
    storage_key text,
    draft text,
    found_type text,
    found_sha256 text,
    lease_id uuid,
    lease_wanted boolean DEFAULT false NOT NULL,
    active_at timestamp(3) with time zone NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    expires_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT uploads_created_by_id_fkey FOREIGN KEY (created_by_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE SET NULL,
    CONSTRAINT uploads_file_fkey FOREIGN KEY (organization_id, file_id) REFERENCES files(organization_id, id) ON UPDATE CASCADE ON DELETE SET NULL (file_id),
    CONSTRAINT uploads_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT uploads_pkey PRIMARY KEY (id)
);

CREATE TABLE usage_rollups (
    organization_id uuid NOT NULL,
    period_start timestamp(3) with time zone NOT NULL,
    period_end timestamp(3) with time zone NOT NULL,
    day timestamp(3) with time zone NOT NULL,
    operation text NOT NULL,
    user_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    quantity bigint NOT NULL,
    CONSTRAINT usage_rollups_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT usage_rollups_pkey PRIMARY KEY (organization_id, period_start, day, operation, user_id, api_key_id)
);

CREATE TABLE users (
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text,
    email_verified_at timestamp(3) with time zone,
    locked_at timestamp(3) with time zone,
    is_superuser boolean DEFAULT false NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT users_email_canonical_check CHECK ((email = lower(email))),
    CONSTRAINT users_pkey PRIMARY KEY (id)
);

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamp(3) with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer,
    error text,
    response_snippet text,
    is_manual boolean NOT NULL,
    CONSTRAINT webhook_attempts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES webhook_deliveries(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (delivery_id, number)
);

CREATE TABLE webhook_deliveries (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    event_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    status "WebhookDeliveryStatus" NOT NULL,
    due_at timestamp(3) with time zone,
    attempt_count integer DEFAULT 0 NOT NULL,
    retries_used integer DEFAULT 0 NOT NULL,
    is_manual boolean DEFAULT false NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT webhook_deliveries_organization_id_endpoint_id_fkey FOREIGN KEY (organization_id, endpoint_id) REFERENCES webhook_endpoints(organization_id, id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_organization_id_event_id_fkey FOREIGN KEY (organization_id, event_id) REFERENCES webhook_events(organization_id, id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (id)
);

CREATE TABLE webhook_endpoints (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    url text NOT NULL,
    description text,
    event_types text[],
    headers text,
    header_names text[] DEFAULT ARRAY[]::text[],
    status "WebhookEndpointStatus" NOT NULL,
    secret text NOT NULL,
    secret_hint text NOT NULL,
    previous_secret text,
    previous_secret_expires_at timestamp(3) with time zone,
    proof_version integer DEFAULT 1 NOT NULL,
    verified_at timestamp(3) with time zone,
    reverify_by timestamp(3) with time zone,
    receives_since timestamp(3) with time zone,
    failing_since timestamp(3) with time zone,
    warned_at timestamp(3) with time zone,
    created_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT webhook_endpoints_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (id)
);

CREATE TABLE webhook_events (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    type text NOT NULL,
    payload text NOT NULL,
    created_at timestamp(3) with time zone NOT NULL,
    CONSTRAINT webhook_events_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (id)
);

CREATE INDEX api_keys_created_by_id_organization_id_idx ON public.api_keys USING btree (created_by_id, organization_id);

CREATE INDEX api_keys_organization_id_id_idx ON public.api_keys USING btree (organization_id, id);

CREATE INDEX api_keys_untold_idx ON public.api_keys USING btree (expires_at) WHERE ((end_told_at IS NULL) AND (revoked_at IS NULL));

CREATE UNIQUE INDEX audit_checkpoints_chain_id_sequence_key ON public.audit_checkpoints USING btree (chain_id, sequence);

CREATE INDEX audit_entries_chain_id_action_sequence_idx ON public.audit_entries USING btree (chain_id, action, sequence);

CREATE INDEX audit_entries_chain_id_actor_user_id_sequence_idx ON public.audit_entries USING btree (chain_id, actor_user_id, sequence);

CREATE UNIQUE INDEX audit_entries_chain_id_sequence_key ON public.audit_entries USING btree (chain_id, sequence);

CREATE INDEX audit_exports_expires_at_idx ON public.audit_exports USING btree (expires_at);

CREATE INDEX audit_exports_organization_id_requested_by_id_idx ON public.audit_exports USING btree (organization_id, requested_by_id);

CREATE UNIQUE INDEX backup_codes_digest_key ON public.backup_codes USING btree (digest);

CREATE INDEX backup_codes_user_id_idx ON public.backup_codes USING btree (user_id);

CREATE UNIQUE INDEX billing_accounts_customer_id_key ON public.billing_accounts USING btree (customer_id);

CREATE UNIQUE INDEX dead_letters_job_id_key ON public.dead_letters USING btree (job_id) WHERE (state = 'OPEN'::"DeadLetterState");

CREATE INDEX dead_letters_organization_id_idx ON public.dead_letters USING btree (organization_id);

CREATE INDEX dead_letters_queue_state_id_idx ON public.dead_letters USING btree (queue, state, id);

CREATE INDEX dead_letters_resolved_by_id_idx ON public.dead_letters USING btree (resolved_by_id);

CREATE UNIQUE INDEX email_tokens_digest_key ON public.email_tokens USING btree (digest);

CREATE INDEX files_organization_id_created_at_id_idx ON public.files USING btree (organization_id, created_at, id);

CREATE INDEX files_organization_id_name_id_idx ON public.files USING btree (organization_id, name, id);

CREATE INDEX files_organization_id_size_id_idx ON public.files USING btree (organization_id, size, id);

CREATE UNIQUE INDEX files_storage_key_key ON public.files USING btree (storage_key);

CREATE INDEX files_trashed_at_idx ON public.files USING btree (trashed_at);

CREATE INDEX files_uploaded_by_id_idx ON public.files USING btree (uploaded_by_id);

CREATE UNIQUE INDEX idempotent_requests_caller_id_key_digest_key ON public.idempotent_requests USING btree (caller_id, key_digest);

CREATE INDEX idempotent_requests_expires_at_idx ON public.idempotent_requests USING btree (expires_at);

CREATE UNIQUE INDEX identities_provider_subject_key ON public.identities USING btree (provider, subject);

CREATE INDEX identities_user_id_idx ON public.identities USING btree (user_id);

CREATE INDEX invitations_email_idx ON public.invitations USING btree (email);

CREATE INDEX invitations_organization_id_id_idx ON public.invitations USING btree (organization_id, id);

CREATE UNIQUE INDEX invitations_pending_key ON public.invitations USING btree (organization_id, email) WHERE (status = 'PENDING'::"InvitationStatus");

CREATE UNIQUE INDEX invitations_token_digest_key ON public.invitations USING btree (token_digest);

CREATE INDEX mail_suppressions_expires_at_idx ON public.mail_suppressions USING btree (expires_at);

CREATE INDEX memberships_organization_id_id_idx ON public.memberships USING btree (organization_id, id);

CREATE INDEX memberships_user_id_joined_at_id_idx ON public.memberships USING btree (user_id, joined_at, id);

CREATE UNIQUE INDEX mfa_challenges_digest_key ON public.mfa_challenges USING btree (digest);

CREATE INDEX mfa_challenges_user_id_idx ON public.mfa_challenges USING btree (user_id);

CREATE INDEX notifications_organization_id_id_idx ON public.notifications USING btree (organization_id, id);

CREATE UNIQUE INDEX notifications_user_id_change_position_key ON public.notifications USING btree (user_id, change_position);

CREATE UNIQUE INDEX notifications_user_id_position_key ON public.notifications USING btree (user_id, "position");

CREATE INDEX notifications_user_id_read_at_idx ON public.notifications USING btree (user_id, read_at);

CREATE UNIQUE INDEX organizations_slug_key ON public.organizations USING btree (slug);

CREATE INDEX rate_limits_expire_idx ON public.rate_limits USING btree (expire);

CREATE UNIQUE INDEX sessions_previous_refresh_digest_key ON public.sessions USING btree (previous_refresh_digest);

CREATE UNIQUE INDEX sessions_refresh_digest_key ON public.sessions USING btree (refresh_digest);

CREATE INDEX sessions_user_id_id_idx ON public.sessions USING btree (user_id, id);

CREATE INDEX stripe_events_organization_id_idx ON public.stripe_events USING btree (organization_id);

CREATE UNIQUE INDEX thumbnails_storage_key_key ON public.thumbnails USING btree (storage_key);

CREATE INDEX uploads_created_by_id_idx ON public.uploads USING btree (created_by_id);

CREATE UNIQUE INDEX uploads_organization_id_created_by_id_client_key_key ON public.uploads USING btree (organization_id, created_by_id, client_key);

CREATE UNIQUE INDEX uploads_organization_id_file_id_key ON public.uploads USING btree (organization_id, file_id);

CREATE INDEX uploads_state_expires_at_idx ON public.uploads USING btree (state, expires_at);

CREATE UNIQUE INDEX uploads_storage_key_key ON public.uploads USING btree (storage_key);

CREATE UNIQUE INDEX users_email_key ON public.users USING btree (email);

CREATE INDEX webhook_deliveries_due_idx ON public.webhook_deliveries USING btree (endpoint_id, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX webhook_deliveries_endpoint_id_id_idx ON public.webhook_deliveries USING btree (endpoint_id, id);

CREATE UNIQUE INDEX webhook_deliveries_event_id_endpoint_id_key ON public.webhook_deliveries USING btree (event_id, endpoint_id);

CREATE INDEX webhook_deliveries_organization_id_id_idx ON public.webhook_deliveries USING btree (organization_id, id);

CREATE INDEX webhook_events_created_at_idx ON public.webhook_events USING btree (created_at);

CREATE TRIGGER audit_checkpoints_only_grow BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER audit_entries_only_grow BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER files_discard_object AFTER DELETE ON public.files FOR EACH ROW EXECUTE FUNCTION discard_object();

CREATE CONSTRAINT TRIGGER memberships_last_owner AFTER DELETE OR UPDATE ON public.memberships DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((old.role = 'OWNER'::"Role")) EXECUTE FUNCTION refuse_losing_last_owner();

CREATE TRIGGER memberships_seats_left AFTER DELETE ON public.memberships REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_seats();

CREATE TRIGGER memberships_seats_taken AFTER INSERT ON public.memberships REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_seats();

CREATE TRIGGER thumbnails_discard_object AFTER DELETE ON public.thumbnails FOR EACH ROW EXECUTE FUNCTION discard_object();

CREATE TRIGGER uploads_discard_object AFTER DELETE ON public.uploads FOR EACH ROW WHEN ((old.storage_key IS NOT NULL)) EXECUTE FUNCTION discard_object();
