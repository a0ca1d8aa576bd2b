-- AlterTable
ALTER TABLE "billing_accounts" ADD COLUMN     "fetch_number" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "open_checkouts" ADD COLUMN     "cancel_url" TEXT NOT NULL,
ADD COLUMN     "session_id" TEXT,
ADD COLUMN     "success_url" TEXT NOT NULL;
