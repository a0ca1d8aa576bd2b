import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { eventPaper } from '../domains/events/event-paper.service.ts';

const file = path.join(import.meta.dirname, '../../docs/webhooks.md');

await writeFile(file, eventPaper());
