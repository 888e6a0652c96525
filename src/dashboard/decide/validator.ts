import { Validator, type Schema } from '@cfworker/json-schema';
import {
  createErrorHandler,
  toErrorSchema,
  unwrapErrorHandler,
  validationDataMerge,
  type CustomValidator,
  type ErrorTransformer,
  type RJSFSchema,
  type RJSFValidationError,
  type UiSchema,
  type ValidationData,
  type ValidatorType,
} from '@rjsf/utils';
import type { JsonObject } from '../../contract/json.ts';
import { linearSchema, namePattern } from './linear-schema.ts';

/**
 * JSON Schema for the edit form, interpreted: the page's CSP forbids the generated code that ajv works with. It helps
 * while typing; the server checks again with the schema in force.
 */
export const interpretingValidator: ValidatorType = {
  validateFormData(
    formData: unknown,
    schema: RJSFSchema,
    customValidate?: CustomValidator,
    _transformErrors?: ErrorTransformer,
    uiSchema?: UiSchema,
  ): ValidationData<unknown> {
    const errors = check(schema, formData).map(toFormError);
    const data: ValidationData<unknown> = { errors, errorSchema: toErrorSchema(errors) };
    if (typeof customValidate !== 'function') return data;
    const handled = customValidate(formData, createErrorHandler(formData), uiSchema);
    return validationDataMerge(data, unwrapErrorHandler(handled));
  },
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as the interface has it
  rawValidation<Result>(schema: RJSFSchema, formData?: unknown) {
    return { errors: check(schema, formData).map(toFormError) as Result[] };
  },
  isValid: (schema, formData, rootSchema) =>
    check({ ...(schema as object), ...definitionsOf(rootSchema) } as RJSFSchema, formData).length === 0,
};

interface Finding {
  readonly instanceLocation: string;
  readonly error: string;
}

function check(schema: RJSFSchema, value: unknown): readonly Finding[] {
  // Undefined members are what an empty field leaves behind; in JSON they are not there.
  const plain: unknown = value === undefined ? {} : JSON.parse(JSON.stringify(value));
  const { errors } = new Validator(linearSchema(schema as JsonObject) as Schema, '2020-12', false).validate(plain);
  // Of an error and its causes, the innermost says what to do.
  const leaves = errors.filter(
    ({ instanceLocation }) => !errors.some((other) => other.instanceLocation.startsWith(`${instanceLocation}/`)),
  );
  return leaves.map(({ instanceLocation, error }) => ({ instanceLocation, error: namePattern(error) }));
}

function toFormError({ instanceLocation, error }: Finding): RJSFValidationError {
  const property = instanceLocation.replace(/^#/, '').replaceAll('/', '.');
  return { property, message: error, stack: `${property} ${error}` };
}

function definitionsOf(root: RJSFSchema): RJSFSchema {
  return {
    ...(root.$defs === undefined ? {} : { $defs: root.$defs }),
    ...(root.definitions ? { definitions: root.definitions } : {}),
  };
}
