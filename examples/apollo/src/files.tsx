import { useMutation, useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { messageOf } from './client.ts';
import { graphql } from './generated/gql.ts';
import { Uploader } from './uploader.tsx';
import { Waiting } from './waiting.tsx';

export const OrganizationFiles = graphql(`
  query OrganizationFiles($organizationId: ID!, $trashed: Boolean!) {
    organization(id: $organizationId) {
      id
      quota(resource: STORAGE_BYTES) { used limit }
      files(first: 50, trashed: $trashed) {
        totalCount
        edges { node { id name size contentType createdAt uploadedBy { id name } downloadUrl } }
      }
    }
  }
`);

const TrashFile = graphql(`mutation TrashFile($id: ID!) { trashFile(input: { id: $id }) { __typename } }`);
const RestoreFile = graphql(`mutation RestoreFile($id: ID!) { restoreFile(input: { id: $id }) { __typename } }`);

/** Links to the bytes are good for five minutes, so there are new ones before that. */
const pollInterval = 240_000;

/** The files of an organization, its trash, and how full it is. */
export function Files({ organizationId }: { readonly organizationId: string }) {
  const [isTrash, setTrash] = useState(false);
  const variables = { organizationId, trashed: isTrash };
  const { data, error, refetch } = useQuery(OrganizationFiles, {
    variables,
    fetchPolicy: 'cache-and-network',
    pollInterval,
  });
  const [move, { error: refusal }] = useMutation(isTrash ? RestoreFile : TrashFile, {
    refetchQueries: [OrganizationFiles],
    onError: () => undefined,
  });
  if (!data?.organization) return <Waiting error={error} retry={refetch} />;
  const { files, quota } = data.organization;
  return (
    <section className="card">
      <h1>
        {isTrash ? 'Trash' : 'Files'} <span className="count">{files.totalCount}</span>
      </h1>
      <p className="quota">
        <meter aria-label="Storage in use" max={quota.limit} value={quota.used} />
        {sizeOf(quota.used)} of {sizeOf(quota.limit)}
      </p>
      {!isTrash && <Uploader organizationId={organizationId} />}
      <ul className="rows">
        {files.edges.map(({ node: { id, name, size, contentType, uploadedBy, downloadUrl } }) => (
          <li key={id}>
            <span className="what">
              {isTrash ? <strong>{name}</strong> : <a href={downloadUrl}>{name}</a>}
              <small>{[sizeOf(size), contentType, uploadedBy?.name].filter(Boolean).join(' · ')}</small>
            </span>
            <button type="button" className="quiet" onClick={() => void move({ variables: { id } })}>
              {isTrash ? 'Restore' : 'To trash'}
              <span className="visually-hidden"> {name}</span>
            </button>
          </li>
        ))}
      </ul>
      <p role="alert" className="refusal">
        {refusal && messageOf(refusal)}
      </p>
      {files.totalCount === 0 && (
        <p className="empty">{isTrash ? 'The trash is empty.' : 'There is no file yet. Upload the first one.'}</p>
      )}
      <p className="aside">
        <button type="button" className="plain" onClick={() => setTrash(!isTrash)}>
          {isTrash ? 'Back to the files' : 'Show the trash'}
        </button>
      </p>
    </section>
  );
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function sizeOf(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }).format(bytes / 1024 ** power)} ${units[power]}`;
}
