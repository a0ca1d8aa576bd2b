import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeId } from '../src/platform/typeid.ts';
import { graphql } from './generated/gql.ts';
import { aFile, orphans, storageOf } from './support/files.ts';
import { aPerson, type Person, useApp } from './support/world.ts';

const app = useApp();

const Thumbnails = graphql(`
  query Thumbnails($id: ID!) {
    node(id: $id) {
      ... on File { small: thumbnailUrl(size: SMALL) medium: thumbnailUrl(size: MEDIUM) large: thumbnailUrl(size: LARGE) }
    }
  }
`);
const PurgePicture = graphql(`mutation PurgePicture($id: ID!) { purgeFile(input: { id: $id }) { __typename } }`);

async function thumbnailsOf(person: Person, id: string) {
  const { node } = (await person.send(Thumbnails, { id })).data;
  return node && 'small' in node ? node : null;
}

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#369' }, limitInputPixels: false });

describe('thumbnails', () => {
  test('are made in three sizes, turned as the camera says, without what it wrote into the picture', async () => {
    const ada = await aPerson(app);
    const secret = 'Home, 52.5200 N';
    const bytes = await picture(2_000, 1_000)
      .withExif({ IFD0: { ImageDescription: secret, Orientation: '6' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const id = await aFile(ada, { name: 'photo.jpg', bytes });
    await expect.poll(async () => (await thumbnailsOf(ada, id))?.large, { timeout: 30_000 }).toBeTruthy();
    const urls = await thumbnailsOf(ada, id);
    const sizes: unknown[] = [];
    for (const url of [urls?.small, urls?.medium, urls?.large]) {
      const response = await fetch(url ?? '');
      const made = Buffer.from(await response.arrayBuffer());
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/webp']);
      expect(response.headers.get('content-disposition')).toMatch(/^inline; filename="photo.jpg.webp"/);
      const { width, height, exif, orientation } = await sharp(made).metadata();
      expect([exif, orientation, made.includes(secret)]).toEqual([undefined, undefined, false]);
      sizes.push([width, height]);
    }
    expect(sizes).toEqual([
      [32, 64],
      [128, 256],
      [512, 1_024],
    ]);
    expect(await storageOf(app, ada.organizationId)).toMatchObject({ used: bytes.length });
    const changed = (urls?.small ?? '').replace('thumbnail=64', 'thumbnail=1024');
    expect((await fetch(changed)).status).toBe(403);
    await ada.send(PurgePicture, { id });
    expect((await fetch(urls?.small ?? '')).status).toBe(404);
    expect(await orphans(app)).toEqual([]);
  });

  test('are not made of a flood of pixels, nor of what is no picture', async () => {
    const ada = await aPerson(app);
    const flood = await picture(20_000, 20_000).png({ compressionLevel: 9 }).toBuffer();
    expect(flood.length).toBeLessThan(5_000_000);
    const flooded = await aFile(ada, { name: 'flood.png', bytes: flood });
    const broken = await aFile(ada, {
      name: 'broken.png',
      bytes: Buffer.concat([flood.subarray(0, 40), Buffer.alloc(5_000)]),
    });
    const text = await aFile(ada);
    const warnings = () => app.logLines.filter(({ msg }) => msg === 'a picture has no thumbnail');
    await expect.poll(warnings, { timeout: 30_000 }).toHaveLength(2);
    for (const id of [flooded, broken, text])
      expect(await thumbnailsOf(ada, id)).toEqual({ small: null, medium: null, large: null });
    const rows = { fileId: { in: [flooded, broken, text].map((id) => decodeId('File', id) ?? '') } };
    expect(await app.platform.db.thumbnail.count({ where: rows })).toBe(0);
  });
});
