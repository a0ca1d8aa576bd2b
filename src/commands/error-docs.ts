import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorPaper } from '../edge/error-paper.ts';
import { schema } from '../graphql/schema.ts';

const file = path.join(import.meta.dirname, '../../docs/errors.md');

await writeFile(file, errorPaper(schema));
