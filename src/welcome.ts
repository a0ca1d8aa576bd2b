/** What a developer reads when the program is ready. */
export function welcome(url: string): string {
  return `
Gatehouse is ready.

  GraphiQL   ${url}/graphql
  Mailbox    ${url}/dev/mailbox   (what the program would mail)

Try this first, in GraphiQL:

  mutation {
    register(input: { email: "you@example.com", name: "You", password: "correct horse battery staple" }) {
      __typename
    }
  }

Then open the mail, take the token out of its link, and call \`verifyEmail\` and \`login\`. Ctrl-C stops everything.

`;
}
