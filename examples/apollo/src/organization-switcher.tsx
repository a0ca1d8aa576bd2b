import { useMutation } from '@apollo/client/react';
import { messageOf } from './client.ts';
import { graphql } from './generated/gql.ts';

const SwitchOrganization = graphql(`
  mutation SwitchOrganization($organizationId: ID!) {
    setActiveOrganization(input: { organizationId: $organizationId }) {
      ... on ActiveOrganizationSet { viewer { id activeOrganization { id name viewerRole } } }
    }
  }
`);

interface Props {
  readonly organizations: readonly { readonly id: string; readonly name: string }[];
  readonly activeId: string;
}

/** Chooses the organization that this session acts in. The answer names the viewer, so the cache shows it everywhere. */
export function OrganizationSwitcher({ organizations, activeId }: Props) {
  const [switchTo, { loading, error }] = useMutation(SwitchOrganization, { onError: () => undefined });
  return (
    <label className="switcher">
      <span className="visually-hidden">Organization</span>
      <select
        value={activeId}
        disabled={loading}
        onChange={({ target }) => void switchTo({ variables: { organizationId: target.value } })}
      >
        {organizations.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <span role="alert" className="refusal">
        {error && messageOf(error)}
      </span>
    </label>
  );
}
