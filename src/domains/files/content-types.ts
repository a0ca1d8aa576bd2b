/** What is known by the name `application/octet-stream`: bytes that nothing here recognises. */
export const unknownType = 'application/octet-stream';
export const textType = 'text/plain';

/** Every type that is taken, with the endings that its name may have. What is recognised and not here is refused. */
const allowed: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg jpeg jpe jfif',
  'image/png': 'png',
  'image/apng': 'png apng',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/avif': 'avif',
  'image/heic': 'heic heif',
  'image/heif': 'heic heif',
  'image/heic-sequence': 'heic heif heics',
  'image/heif-sequence': 'heic heif heifs',
  'image/jxl': 'jxl',
  'image/tiff': 'tif tiff',
  'image/bmp': 'bmp dib',
  'image/x-icon': 'ico cur',
  'image/svg+xml': 'svg',
  'image/vnd.adobe.photoshop': 'psd',
  'image/x-adobe-dng': 'dng',
  'image/x-canon-cr2': 'cr2',
  'image/x-canon-cr3': 'cr3',
  'image/x-nikon-nef': 'nef',
  'image/x-sony-arw': 'arw',
  'application/pdf': 'pdf ai',
  'application/rtf': 'rtf',
  'application/epub+zip': 'epub',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.template': 'dotx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.template': 'xltx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.openxmlformats-officedocument.presentationml.slideshow': 'ppsx',
  'application/vnd.openxmlformats-officedocument.presentationml.template': 'potx',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/vnd.oasis.opendocument.spreadsheet': 'ods',
  'application/vnd.oasis.opendocument.presentation': 'odp',
  'application/vnd.oasis.opendocument.graphics': 'odg',
  'application/vnd.apple.pages': 'pages',
  'application/vnd.apple.numbers': 'numbers',
  'application/vnd.apple.keynote': 'key',
  'application/zip': 'zip docx xlsx pptx odt ods odp epub pages numbers key 3mf vsdx kmz',
  'application/gzip': 'gz tgz',
  'application/x-tar': 'tar',
  'application/x-bzip2': 'bz2 tbz2',
  'application/x-xz': 'xz txz',
  'application/zstd': 'zst',
  'application/x-7z-compressed': '7z',
  'application/x-rar-compressed': 'rar',
  'application/xml': 'xml xsd kml gpx rss atom plist',
  'application/x-sqlite3': 'sqlite sqlite3 db',
  'application/vnd.apache.parquet': 'parquet',
  'application/vnd.apache.arrow.file': 'arrow',
  'application/avro': 'avro',
  'application/dicom': 'dcm',
  'application/ogg': 'ogg ogx',
  'application/mxf': 'mxf',
  'application/pgp-encrypted': 'asc pgp gpg',
  'audio/mpeg': 'mp3 mp2 mp1 mpga',
  'audio/mp4': 'm4a mp4',
  'audio/x-m4a': 'm4a m4b',
  'audio/aac': 'aac',
  'audio/wav': 'wav',
  'audio/ogg': 'ogg oga opus',
  'audio/ogg; codecs=opus': 'opus ogg',
  'audio/flac': 'flac',
  'audio/aiff': 'aif aiff',
  'audio/amr': 'amr',
  'audio/midi': 'mid midi',
  'video/mp4': 'mp4 m4v',
  'video/x-m4v': 'm4v mp4',
  'video/quicktime': 'mov qt',
  'video/webm': 'webm',
  'video/matroska': 'mkv mka webm',
  'video/vnd.avi': 'avi',
  'video/mpeg': 'mpg mpeg',
  'video/MP1S': 'mpg mpeg',
  'video/MP2P': 'mpg mpeg',
  'video/mp2t': 'ts mts m2ts',
  'video/ogg': 'ogv ogg',
  'video/3gpp': '3gp',
  'video/3gpp2': '3g2 3gp',
  'video/x-ms-asf': 'wmv asf',
  'audio/x-ms-asf': 'wma asf',
  'application/vnd.ms-asf': 'asf wmv wma',
  'text/calendar': 'ics',
  'text/vcard': 'vcf',
  'text/vtt': 'vtt',
  'font/ttf': 'ttf',
  'font/otf': 'otf',
  'font/woff': 'woff',
  'font/woff2': 'woff2',
  'font/collection': 'ttc',
  'model/gltf-binary': 'glb',
  'model/stl': 'stl',
  'model/3mf': '3mf',
  'image/vnd.dwg': 'dwg',
};

/** Endings that make a system, or a browser, run what is in a file. */
const running = new Set(
  'exe dll com scr pif msi msix msp cpl sys drv ocx bat cmd ps1 psm1 vb vbs vbe js jse mjs wsf wsh hta sct reg inf lnk url desktop scf sh bash zsh csh ksh fish command app apk jar class war ear wasm dmg pkg deb rpm appimage iso img vhd vhdx html htm xhtml xht shtml mht mhtml svgz php phtml phar asp aspx jsp jspx cgi pl docm dotm xlsm xltm xlsb xlam pptm potm ppsm ppam doc dot xls xlt ppt pps one chm hlp gadget application swf'.split(
    ' ',
  ),
);

const endingsByType = new Map(Object.entries(allowed).map(([type, endings]) => [type, new Set(endings.split(' '))]));
/** Endings that say something definite. `ts` is also a script's that nobody runs by a click. */
const telling = new Set([...endingsByType.values()].flatMap((endings) => [...endings]).filter((end) => end !== 'ts'));
const texts = new Set(['svg', 'xml', 'xsd', 'kml', 'gpx', 'rss', 'atom', 'plist', 'asc', 'ics', 'vcf', 'vtt']);

export function isAllowedType(type: string): boolean {
  return type === textType || type === unknownType || endingsByType.has(type);
}

/** Whether somebody's system would run a file of this name. */
export function isRunnableName(name: string): boolean {
  return running.has(endingOf(name));
}

/** Whether the ending of a name says another type than the bytes do. An ending that nothing here knows contradicts nothing. */
export function contradictsName(type: string, name: string): boolean {
  const ending = endingOf(name);
  const ofType = endingsByType.get(type);
  if (ofType?.has(ending)) return false;
  if (type === textType && texts.has(ending)) return false;
  // Recognised bytes under a name for text, or under that of another type.
  if (ofType) return telling.has(ending) || textEndings.has(ending);
  return telling.has(ending);
}

const textEndings = new Set(
  'txt text log md markdown csv tsv json jsonl ndjson yaml yml toml ini conf sql css'.split(' '),
);

/** Whether it is an archive in the format of ZIP, as office documents are too. */
export function isZip(type: string): boolean {
  return type === 'application/zip' || type.includes('officedocument') || /opendocument|epub|apple|3mf/.test(type);
}

/** Whether there are thumbnails of this type. */
export function isPicture(type: string): boolean {
  return ['image/jpeg', 'image/png', 'image/apng', 'image/gif', 'image/webp', 'image/avif', 'image/tiff'].includes(
    type,
  );
}

function endingOf(name: string): string {
  return /\.([^.]+)$/.exec(name.trim().toLowerCase())?.[1]?.trimEnd() ?? '';
}
