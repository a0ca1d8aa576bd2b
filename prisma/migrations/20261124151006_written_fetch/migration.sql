-- AlterTable
ALTER TABLE "billing_accounts" ADD COLUMN     "written_fetch" INTEGER NOT NULL DEFAULT 0;
