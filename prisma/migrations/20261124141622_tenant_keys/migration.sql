-- DropForeignKey
ALTER TABLE "sessions" DROP CONSTRAINT "sessions_active_organization_id_fkey";

-- CreateTable
CREATE TABLE "audit_exports" (
    "id" UUID NOT NULL,
    "organization_id" UUID NOT NULL,
    "requested_by_id" UUID NOT NULL,
    "first_sequence" BIGINT NOT NULL,
    "last_sequence" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ready_at" TIMESTAMPTZ(3),

    CONSTRAINT "audit_exports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_export_parts" (
    "organization_id" UUID NOT NULL,
    "export_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "lines" TEXT NOT NULL,

    CONSTRAINT "audit_export_parts_pkey" PRIMARY KEY ("organization_id","export_id","position")
);

-- CreateIndex
CREATE INDEX "audit_exports_organization_id_requested_by_id_idx" ON "audit_exports"("organization_id", "requested_by_id");

-- CreateIndex
CREATE INDEX "audit_exports_expires_at_idx" ON "audit_exports"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "audit_exports_organization_id_id_key" ON "audit_exports"("organization_id", "id");

-- A session acts in no organization that its person has no seat in; what a race has left of such is forgotten.
UPDATE "sessions" s SET "active_organization_id" = NULL
WHERE NOT EXISTS (SELECT FROM "memberships" m WHERE m."organization_id" = s."active_organization_id" AND m."user_id" = s."user_id");

-- AddForeignKey: with the seat the choice alone goes, not the person.
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_active_membership_fkey" FOREIGN KEY ("active_organization_id", "user_id") REFERENCES "memberships"("organization_id", "user_id") ON DELETE SET NULL ("active_organization_id") ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "audit_exports" ADD CONSTRAINT "audit_exports_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "audit_exports" ADD CONSTRAINT "audit_exports_organization_id_requested_by_id_fkey" FOREIGN KEY ("organization_id", "requested_by_id") REFERENCES "memberships"("organization_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "audit_export_parts" ADD CONSTRAINT "audit_export_parts_organization_id_export_id_fkey" FOREIGN KEY ("organization_id", "export_id") REFERENCES "audit_exports"("organization_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
