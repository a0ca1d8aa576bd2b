-- AlterTable
ALTER TABLE "api_keys" ADD COLUMN     "end_told_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "api_keys_untold_idx" ON "api_keys"("expires_at") WHERE (end_told_at IS NULL AND revoked_at IS NULL);
