import type { Tx } from '../store/dialect/dialect.ts'
import { normalise, type CommandForm } from '../command-form.ts'

const mostKept = 20_000

/** Assigns ids to normalised commands. */
export class CommandForms {
  readonly #ids = new Map<string, number>()

  async of(tx: Tx, command: string): Promise<CommandForm & { readonly formId: number }> {
    const form = normalise(command)
    const known = this.#ids.get(form.form)
    if (known !== undefined) return { ...form, formId: known }
    const { form_id: formId } = await tx
      .insertInto('command_forms')
      .values({
        form: form.form,
        program: form.program,
        category: form.category,
        example: command.slice(0, 2000),
      })
      // a no-op update makes the statement return the row
      .onConflict((conflict) => conflict.column('form').doUpdateSet({ program: form.program }))
      .returning('form_id')
      .executeTakeFirstOrThrow()
    if (this.#ids.size >= mostKept) this.#ids.clear()
    this.#ids.set(form.form, formId)
    return { ...form, formId }
  }

  /** Call after a rollback: the ids may be assigned again. */
  forget(): void {
    this.#ids.clear()
  }
}
