import type { AnchorHTMLAttributes, MouseEvent } from 'react';
import { navigate, usePath } from './path.ts';

/** A link to a page of this application; with a key held, the browser's own. */
export function Link({ href, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { readonly href: string }) {
  const { path } = usePath();
  const onClick = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    navigate(href);
  };
  return <a {...rest} href={href} aria-current={path === href ? 'page' : undefined} onClick={onClick} />;
}
