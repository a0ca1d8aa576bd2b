import { randomUUID } from 'node:crypto';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';

const instanceId = randomUUID();

/** Who sends: `gatehouse` and an id of this process, unless OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say otherwise. */
export function telemetryResource(): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'gatehouse', 'service.instance.id': instanceId }))
    .merge(detectResources({ detectors: [envDetector] }));
}
