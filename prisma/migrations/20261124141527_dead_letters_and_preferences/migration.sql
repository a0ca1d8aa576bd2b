-- CreateEnum
CREATE TYPE "DeadLetterState" AS ENUM ('OPEN', 'RETRIED', 'RESOLVED');

-- CreateTable
CREATE TABLE "notification_preferences" (
    "user_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "is_enabled" BOOLEAN NOT NULL,

    CONSTRAINT "notification_preferences_pkey" PRIMARY KEY ("user_id","type","channel")
);

-- CreateTable
CREATE TABLE "mail_suppressions" (
    "email" TEXT NOT NULL,
    "job_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "mail_suppressions_pkey" PRIMARY KEY ("email")
);

-- CreateTable
CREATE TABLE "dead_letters" (
    "id" UUID NOT NULL,
    "job_id" UUID NOT NULL,
    "queue" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "error" TEXT NOT NULL,
    "history" JSONB NOT NULL,
    "attempts" INTEGER NOT NULL,
    "organization_id" UUID,
    "state" "DeadLetterState" NOT NULL DEFAULT 'OPEN',
    "failed_at" TIMESTAMPTZ(3) NOT NULL,
    "resolved_by_id" UUID,
    "resolved_at" TIMESTAMPTZ(3),
    "note" TEXT,

    CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dead_letter_alerts" (
    "queue" TEXT NOT NULL,
    "alerted_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "dead_letter_alerts_pkey" PRIMARY KEY ("queue")
);

-- CreateIndex
CREATE INDEX "mail_suppressions_expires_at_idx" ON "mail_suppressions"("expires_at");

-- CreateIndex
CREATE INDEX "dead_letters_organization_id_idx" ON "dead_letters"("organization_id");

-- CreateIndex
CREATE INDEX "dead_letters_resolved_by_id_idx" ON "dead_letters"("resolved_by_id");

-- CreateIndex
CREATE INDEX "dead_letters_queue_state_id_idx" ON "dead_letters"("queue", "state", "id");

-- CreateIndex
CREATE UNIQUE INDEX "dead_letters_job_id_key" ON "dead_letters"("job_id") WHERE (state = 'OPEN');

-- AddForeignKey
ALTER TABLE "notification_preferences" ADD CONSTRAINT "notification_preferences_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dead_letters" ADD CONSTRAINT "dead_letters_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dead_letters" ADD CONSTRAINT "dead_letters_resolved_by_id_fkey" FOREIGN KEY ("resolved_by_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;
