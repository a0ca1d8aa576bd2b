import { useState } from 'react';

/** Codes that the API shows this once. */
export function BackupCodes({ codes, onDone }: { readonly codes: readonly string[]; readonly onDone: () => void }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () => navigator.clipboard.writeText(codes.join('\n')).then(() => setCopied(true));
  return (
    <div className="status">
      <p role="status">
        These are your backup codes. <strong>They are shown this once</strong>, and each works once. Keep them where you
        keep passwords.
      </p>
      <ul className="codes" aria-label="Backup codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <p className="buttons">
        <button type="button" className="quiet" onClick={() => void copy().catch(() => undefined)}>
          {isCopied ? 'Copied' : 'Copy them'}
        </button>
        <button type="button" onClick={onDone}>
          I have kept them
        </button>
      </p>
    </div>
  );
}
