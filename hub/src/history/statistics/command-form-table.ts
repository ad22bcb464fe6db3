import type { Tx } from '../store/dialect/dialect.ts'
import { normalise, type CommandForm } from '../command-form.ts'

const mostKept = 20_000

/** Numbers the forms of commands. */
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
      // an update of nothing, so that the row is returned
      .onConflict((conflict) => conflict.column('form').doUpdateSet({ program: form.program }))
      .returning('form_id')
      .executeTakeFirstOrThrow()
    if (this.#ids.size >= mostKept) this.#ids.clear()
    this.#ids.set(form.form, formId)
    return { ...form, formId }
  }

  /** To be called when a transaction was undone: its numbers may be given to others. */
  forget(): void {
    this.#ids.clear()
  }
}
