import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv, type Plugin } from 'vite';

/** What the built page may load, and whom it may ask. Vite's own client in development needs more. */
function contentSecurityPolicy(apiUrl: string): Plugin {
  // Without PUBLIC_API_URL the server calls itself by its address, and upload URLs begin with that.
  const apiUrls = new Set([apiUrl, apiUrl.replace('//localhost', '//127.0.0.1')]);
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${[...apiUrls].join(' ')} ${apiUrl.replace(/^http/, 'ws')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
    ],
  };
}

export default defineConfig(({ mode }) => {
  const { VITE_API_URL = 'http://localhost:4000' } = loadEnv(mode, import.meta.dirname);
  // The port of Gatehouse's PUBLIC_APP_URL: links in mails lead to it, and only its pages may call the API.
  const server = { host: 'localhost', port: 3000, strictPort: true };
  return {
    plugins: [react(), contentSecurityPolicy(VITE_API_URL)],
    define: { 'import.meta.env.VITE_API_URL': JSON.stringify(VITE_API_URL) },
    server,
    preview: server,
  };
});
