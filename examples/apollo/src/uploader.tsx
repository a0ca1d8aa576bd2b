import { useApolloClient, useMutation } from '@apollo/client/react';
import { type ChangeEvent, useId, useRef, useState } from 'react';
import { messageOf } from './client.ts';
import { OrganizationFiles } from './files.tsx';
import { graphql } from './generated/gql.ts';
import { sendFile, type Transfer, UploadRefused } from './upload.ts';

const OpenUpload = graphql(`
  mutation OpenUpload($input: CreateUploadInput!) {
    createUpload(input: $input) {
      __typename
      ... on UploadCreated { token upload { id url } }
      ... on ValidationFailed { issues { message } }
      ... on Error { message }
    }
  }
`);

const DropUpload = graphql(`mutation DropUpload($id: ID!) { abortUpload(input: { id: $id }) { __typename } }`);

interface Sending {
  readonly name: string;
  readonly share: number;
}

/** Chooses a file and sends it, with a bar that can be stopped. */
export function Uploader({ organizationId }: { readonly organizationId: string }) {
  const client = useApolloClient();
  const [open] = useMutation(OpenUpload);
  const [drop] = useMutation(DropUpload);
  const [sending, setSending] = useState<Sending | null>(null);
  const [said, setSaid] = useState({ isRefusal: false, text: '' });
  const transfer = useRef<Transfer | null>(null);
  const id = useId();

  const upload = async (file: File) => {
    const { data } = await open({ variables: { input: { organizationId, name: file.name, size: file.size } } });
    if (data?.createUpload.__typename !== 'UploadCreated') throw new UploadRefused(whyNot(data?.createUpload));
    const { token, upload } = data.createUpload;
    transfer.current = sendFile(file, { url: upload.url, token }, (share) => setSending({ name: file.name, share }));
    await transfer.current.done.catch(async (error: unknown) => {
      const wasStopped = error instanceof DOMException;
      // What was set aside for it is free again at once, not only after a day.
      if (wasStopped) await drop({ variables: { id: upload.id } });
      throw wasStopped ? new UploadRefused('The upload was stopped.') : error;
    });
    await client.refetchQueries({ include: [OrganizationFiles] });
  };
  const onChange = ({ target }: ChangeEvent<HTMLInputElement>) => {
    const [file] = target.files ?? [];
    target.value = '';
    if (!file) return;
    setSaid({ isRefusal: false, text: '' });
    setSending({ name: file.name, share: 0 });
    upload(file)
      .then(() => setSaid({ isRefusal: false, text: `${file.name} is there.` }))
      .catch((error) =>
        setSaid({ isRefusal: true, text: error instanceof UploadRefused ? error.message : messageOf(error) }),
      )
      .finally(() => setSending(null));
  };
  return (
    <div className="uploader">
      <label className="button" htmlFor={id} aria-disabled={sending !== null}>
        Upload a file
      </label>
      <input
        id={id}
        type="file"
        className="visually-hidden"
        disabled={sending !== null}
        aria-describedby={`${id}-said`}
        onChange={onChange}
      />
      {sending && (
        <div className="sending">
          <span className="what">{sending.name}</span>
          <progress aria-label={`Upload of ${sending.name}`} max={1} value={sending.share} />
          <span className="share">{Math.round(sending.share * 100)} %</span>
          <button type="button" className="plain" onClick={() => transfer.current?.abort()}>
            Stop
          </button>
        </div>
      )}
      <p id={`${id}-said`} role="status" className={said.isRefusal ? 'issue' : 'done'}>
        {said.text}
      </p>
    </div>
  );
}

function whyNot(refusal: { message?: string; issues?: readonly { message: string }[] } | undefined): string {
  return refusal?.issues?.[0]?.message ?? refusal?.message ?? 'The file was not taken.';
}
