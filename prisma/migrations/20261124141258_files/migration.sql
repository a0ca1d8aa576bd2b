-- CreateEnum
CREATE TYPE "UploadState" AS ENUM ('PENDING', 'RECEIVING', 'SCANNING', 'READY', 'FAILED', 'ABORTED', 'EXPIRED', 'QUARANTINED');

-- CreateTable
CREATE TABLE "storage_usages" (
    "organization_id" UUID NOT NULL,
    "used_bytes" BIGINT NOT NULL DEFAULT 0,
    "reserved_bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "storage_usages_pkey" PRIMARY KEY ("organization_id")
);

-- CreateTable
CREATE TABLE "egress_days" (
    "organization_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "bytes" BIGINT NOT NULL,

    CONSTRAINT "egress_days_pkey" PRIMARY KEY ("organization_id","day")
);

-- CreateTable
CREATE TABLE "files" (
    "id" UUID NOT NULL,
    "organization_id" UUID NOT NULL,
    "uploaded_by_id" UUID,
    "name" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "content_type" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "storage_key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "trashed_at" TIMESTAMPTZ(3),

    CONSTRAINT "files_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "thumbnails" (
    "file_id" UUID NOT NULL,
    "edge" INTEGER NOT NULL,
    "bytes" INTEGER NOT NULL,
    "storage_key" TEXT NOT NULL,

    CONSTRAINT "thumbnails_pkey" PRIMARY KEY ("file_id","edge")
);

-- CreateTable
CREATE TABLE "uploads" (
    "id" UUID NOT NULL,
    "organization_id" UUID NOT NULL,
    "created_by_id" UUID,
    "session_id" UUID,
    "api_key_id" UUID,
    "file_id" UUID,
    "state" "UploadState" NOT NULL DEFAULT 'PENDING',
    "failure" TEXT,
    "name" TEXT NOT NULL,
    "declared_size" BIGINT,
    "declared_sha256" TEXT,
    "client_key" TEXT,
    "reserved_bytes" BIGINT NOT NULL,
    "received_bytes" BIGINT NOT NULL DEFAULT 0,
    "storage_key" TEXT,
    "draft" TEXT,
    "found_type" TEXT,
    "found_sha256" TEXT,
    "lease_id" UUID,
    "lease_wanted" BOOLEAN NOT NULL DEFAULT false,
    "active_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "uploads_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "discarded_objects" (
    "storage_key" TEXT NOT NULL,

    CONSTRAINT "discarded_objects_pkey" PRIMARY KEY ("storage_key")
);

-- CreateIndex
CREATE UNIQUE INDEX "files_storage_key_key" ON "files"("storage_key");

-- CreateIndex
CREATE INDEX "files_organization_id_name_id_idx" ON "files"("organization_id", "name", "id");

-- CreateIndex
CREATE INDEX "files_organization_id_size_id_idx" ON "files"("organization_id", "size", "id");

-- CreateIndex
CREATE INDEX "files_organization_id_created_at_id_idx" ON "files"("organization_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "files_uploaded_by_id_idx" ON "files"("uploaded_by_id");

-- CreateIndex
CREATE INDEX "files_trashed_at_idx" ON "files"("trashed_at");

-- CreateIndex
CREATE UNIQUE INDEX "thumbnails_storage_key_key" ON "thumbnails"("storage_key");

-- CreateIndex
CREATE UNIQUE INDEX "uploads_file_id_key" ON "uploads"("file_id");

-- CreateIndex
CREATE UNIQUE INDEX "uploads_storage_key_key" ON "uploads"("storage_key");

-- CreateIndex
CREATE INDEX "uploads_created_by_id_idx" ON "uploads"("created_by_id");

-- CreateIndex
CREATE INDEX "uploads_state_expires_at_idx" ON "uploads"("state", "expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "uploads_organization_id_created_by_id_client_key_key" ON "uploads"("organization_id", "created_by_id", "client_key");

-- AddForeignKey
ALTER TABLE "storage_usages" ADD CONSTRAINT "storage_usages_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "egress_days" ADD CONSTRAINT "egress_days_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "files" ADD CONSTRAINT "files_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "files" ADD CONSTRAINT "files_uploaded_by_id_fkey" FOREIGN KEY ("uploaded_by_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "thumbnails" ADD CONSTRAINT "thumbnails_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "files"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "uploads" ADD CONSTRAINT "uploads_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "uploads" ADD CONSTRAINT "uploads_created_by_id_fkey" FOREIGN KEY ("created_by_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "uploads" ADD CONSTRAINT "uploads_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "files"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- Behind the services: what is given back twice is refused, not counted.
ALTER TABLE "storage_usages" ADD CONSTRAINT "storage_usages_not_negative_check" CHECK (used_bytes >= 0 AND reserved_bytes >= 0);

-- Whatever takes a row away, a deleted organization too, its object is not forgotten.
CREATE FUNCTION discard_object() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO discarded_objects (storage_key) VALUES (OLD.storage_key) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER files_discard_object AFTER DELETE ON files FOR EACH ROW EXECUTE FUNCTION discard_object();

CREATE TRIGGER thumbnails_discard_object AFTER DELETE ON thumbnails FOR EACH ROW EXECUTE FUNCTION discard_object();

CREATE TRIGGER uploads_discard_object AFTER DELETE ON uploads
  FOR EACH ROW WHEN (OLD.storage_key IS NOT NULL) EXECUTE FUNCTION discard_object();
