-- DropIndex
DROP INDEX "notifications_user_id_id_idx";

-- AlterTable
ALTER TABLE "notifications" ADD COLUMN     "change_position" BIGINT NOT NULL,
ADD COLUMN     "position" BIGINT NOT NULL;

-- CreateTable
CREATE TABLE "notification_feeds" (
    "user_id" UUID NOT NULL,
    "position" BIGINT NOT NULL,

    CONSTRAINT "notification_feeds_pkey" PRIMARY KEY ("user_id")
);

-- CreateIndex
CREATE INDEX "notifications_user_id_read_at_idx" ON "notifications"("user_id", "read_at");

-- CreateIndex
CREATE UNIQUE INDEX "notifications_user_id_position_key" ON "notifications"("user_id", "position");

-- CreateIndex
CREATE UNIQUE INDEX "notifications_user_id_change_position_key" ON "notifications"("user_id", "change_position");

-- AddForeignKey
ALTER TABLE "notification_feeds" ADD CONSTRAINT "notification_feeds_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
