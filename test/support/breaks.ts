/** How a finding would come back: an edit of one file that takes its protection out. */
export interface Break {
  readonly finding: string;
  readonly file: string;
  /** Is in the file once. */
  readonly from: string;
  readonly to: string;
  /** A file whose tests of the finding do not stand it. */
  readonly test: string;
}

/** One for each finding at least; `npm run findings:break` makes them. */
export const breaks: readonly Break[] = [
  {
    finding: 'F01',
    file: 'src/domains/billing/stripe-events.service.ts',
    from: '      skipDuplicates: true,\n',
    to: '',
    test: 'test/stripe-events.test.ts',
  },
  {
    finding: 'F02',
    file: 'src/domains/files/file-list.service.ts',
    from: 'trashedAt: trashed ? { not: null } : null,',
    to: '',
    test: 'test/files.test.ts',
  },
  {
    finding: 'F03',
    file: 'src/domains/mfa/backup-codes.service.ts',
    from: 'return codes;',
    to: 'return newBackupCodes();',
    test: 'test/mfa-challenge.test.ts',
  },
  {
    finding: 'F04',
    file: 'src/domains/sessions/refresh.service.ts',
    from: 'digest: digestOf(input.refreshToken)',
    to: 'digest: digestOf(input.refreshToken + ctx.now())',
    test: 'test/sessions.test.ts',
  },
  {
    finding: 'F05',
    file: 'src/domains/notifications/notifications.service.ts',
    from: '...(unreadOnly && { readAt: null })',
    to: '...(unreadOnly && { readAt: new Date(0) })',
    test: 'test/notifications.test.ts',
  },
  {
    finding: 'F06',
    file: 'src/domains/sessions/live-session.ts',
    from: 'organization_id IS NOT DISTINCT FROM s.active_organization_id DESC, ',
    to: '',
    test: 'test/organizations.test.ts',
  },
  {
    finding: 'F07',
    file: 'src/domains/mail/mail.links.ts',
    from: 'config.publicAppUrl}',
    to: 'config.corsOrigins}',
    test: 'test/mail.test.ts',
  },
  {
    finding: 'F08',
    file: 'src/domains/webhooks/webhook-secret.ts',
    from: 'secret.slice(-4)',
    to: 'secret',
    test: 'test/webhook-endpoints.test.ts',
  },
  {
    finding: 'F09',
    file: 'src/domains/files/content-gate.ts',
    from: "if (isRunnableName(name) || looksRunnable(head)) throw new UploadRefused('UNSUPPORTED_TYPE');",
    to: '',
    test: 'test/upload-types.test.ts',
  },
  {
    finding: 'F10',
    file: 'src/domains/oauth/oauth-states.service.ts',
    from: " || !sameBytes(row.browserDigest, digestOf(ctx.cookies.get(cookie) ?? ''))",
    to: '',
    test: 'test/oauth.test.ts',
  },
  {
    finding: 'F11',
    file: 'src/platform/github-provider.ts',
    from: 'subject: String(user.id)',
    to: 'subject: Buffer.from(user.id).toString()',
    test: 'test/oauth.test.ts',
  },
  {
    finding: 'F12',
    file: 'src/domains/quotas/quotas.schema.ts',
    from: '{ orgAdmin: idOf',
    to: '{ member: idOf',
    test: 'test/quotas.test.ts',
  },
  {
    finding: 'F12',
    file: 'src/domains/quotas/quotas.service.ts',
    from: 'if (!bySuperuser && limit > allowed)',
    to: 'if (limit < 0)',
    test: 'test/quotas.test.ts',
  },
  {
    finding: 'F13',
    file: 'src/platform/envelope.ts',
    from: '[version, table, column, rowId, ownerId].map',
    to: '[version, table, column].map',
    test: 'test/keys.test.ts',
  },
  {
    finding: 'F14',
    file: 'src/platform/tokens.ts',
    from: "return createHash('sha256').update(secret).digest();",
    to: 'return Buffer.from(secret);',
    test: 'test/recovery.test.ts',
  },
  {
    finding: 'F15',
    file: 'src/platform/github-provider.ts',
    from: "'read:user user:email'",
    to: "'read:user user:email repo'",
    test: 'test/oauth.test.ts',
  },
  {
    finding: 'F16',
    file: 'src/domains/sessions/live-session.ts',
    from: 'WHERE s.id = $1::uuid AND s.revoked_at IS NULL',
    to: 'WHERE s.id = $1::uuid',
    test: 'test/devices.test.ts',
  },
  {
    finding: 'F17',
    file: 'src/domains/organizations/organizations.service.ts',
    from: 'data: { activeOrganizationId: organizationId }',
    to: 'data: {}',
    test: 'test/organizations.test.ts',
  },
  {
    finding: 'F18',
    file: 'src/domains/api-keys/api-keys.service.ts',
    from: 'previousDigest: overlapEndsAt && key.digest,',
    to: 'previousDigest: null,',
    test: 'test/api-keys.test.ts',
  },
  {
    finding: 'F19',
    file: 'src/domains/dead-letters/dead-letters.schema.ts',
    from: '{ superuser: true, mfaSatisfied: true }',
    to: '{ signedIn: true }',
    test: 'test/dead-letters.test.ts',
  },
  {
    finding: 'F20',
    file: 'src/domains/accounts/address-claim.service.ts',
    from: 'if (count === 1 && !isInvited)',
    to: 'if (count === 1 && !isInvited && user.passwordHash)',
    test: 'test/oauth.test.ts',
  },
  {
    finding: 'F21',
    file: 'src/domains/sessions/sessions.service.ts',
    from: 'if (!user.emailVerifiedAt) throw new EmailNotVerified();',
    to: '',
    test: 'test/accounts.test.ts',
  },
  {
    finding: 'F21',
    file: 'src/domains/sessions/sessions.service.ts',
    from: 'const factor = await ctx.db.totpFactor.findUnique({ where: { userId: user.id } });',
    to: 'const factor = null;',
    test: 'test/mfa-challenge.test.ts',
  },
  {
    finding: 'F22',
    file: 'src/domains/sessions/refresh.service.ts',
    from: 'if (sameBytes(session.refreshDigest, presented.digest)) return rotate',
    to: 'return rotate',
    test: 'test/sessions.test.ts',
  },
  {
    finding: 'F22',
    file: 'src/domains/sessions/refresh.service.ts',
    from: 'if (isPrevious && ctx.now().getTime() - session.rotatedAt.getTime() <= graceMs)',
    to: 'if (isPrevious)',
    test: 'test/sessions.test.ts',
  },
  {
    finding: 'F23',
    file: 'src/edge/operation-log.ts',
    from: "userId: user && encodeId('User', user.userId),",
    to: '',
    test: 'test/operation-log.test.ts',
  },
  {
    finding: 'F24',
    file: 'src/domains/accounts/email-address.ts',
    from: '.trim().toLowerCase()',
    to: '.trim()',
    test: 'test/accounts.test.ts',
  },
  {
    finding: 'F25',
    file: 'src/platform/github-provider.ts',
    from: 'candidate.primary && candidate.verified',
    to: 'candidate.primary',
    test: 'test/identities.test.ts',
  },
  {
    finding: 'F26',
    file: 'src/domains/quotas/call-leases.service.ts',
    from: 'const chunkMax = 100;',
    to: 'const chunkMax = 1;',
    test: 'test/call-cost.test.ts',
  },
  {
    finding: 'F27',
    file: 'src/domains/sessions/challenges.service.ts',
    from: 'c.attempts_left > 0 AND ',
    to: '',
    test: 'test/mfa-challenge.test.ts',
  },
  {
    finding: 'F28',
    file: 'src/domains/members/members.access.ts',
    from: 'return { OR: [{ id: actor.userId }, { memberships: { some: { organization: openOrganizations(actor) } } }] };',
    to: 'return {};',
    test: 'test/visibility.test.ts',
  },
  {
    finding: 'F29',
    file: 'src/edge/charge.ts',
    from: 'return operation ? chargeCall(platform, { ...payer, operation }) : null;',
    to: 'return null;',
    test: 'test/calls.test.ts',
  },
  {
    finding: 'F29',
    file: 'src/domains/quotas/seats.service.ts',
    from: 'if (used >= limit) throw',
    to: 'if (used > limit + 5) throw',
    test: 'test/quotas.test.ts',
  },
  {
    finding: 'F30',
    file: 'src/domains/sessions/live-session.ts',
    from: ' AND u.email_verified_at IS NOT NULL`;',
    to: '`;',
    test: 'test/sessions.test.ts',
  },
  {
    finding: 'F31',
    file: 'src/domains/quotas/call-booking.service.ts',
    from: '  await addUsage(ctx, booking);\n',
    to: '',
    test: 'test/calls.test.ts',
  },
  {
    finding: 'F32',
    file: 'src/domains/invitations/acceptance.service.ts',
    from: "email: input.email, status: 'PENDING'",
    to: "status: 'PENDING'",
    test: 'test/invitations.test.ts',
  },
  {
    finding: 'F33',
    file: 'src/platform/cache.ts',
    from: `return deserialize(kept) as Result;
    const result = await work(...args);
    await cache.write(key, serialize(result), seconds);`,
    to: `return JSON.parse(kept.toString());
    const result = await work(...args);
    await cache.write(key, Buffer.from(JSON.stringify(result)), seconds);`,
    test: 'test/cache.test.ts',
  },
];
