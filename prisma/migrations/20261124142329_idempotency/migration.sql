-- CreateTable
CREATE TABLE "idempotent_requests" (
    "id" UUID NOT NULL,
    "caller_id" UUID NOT NULL,
    "key_digest" BYTEA NOT NULL,
    "fingerprint" BYTEA NOT NULL,
    "answer" TEXT,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotent_requests_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "idempotent_requests_expires_at_idx" ON "idempotent_requests"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "idempotent_requests_caller_id_key_digest_key" ON "idempotent_requests"("caller_id", "key_digest");
