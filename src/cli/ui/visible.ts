export { clip, machineJson, visible, visibleJson, visibleLines } from '../../domain/text/visible.ts';
