export { clip, machineJson, visible, visibleJson, visibleLines } from '../../core/text/visible.ts';
