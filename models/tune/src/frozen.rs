use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};

/// A matrix that does not learn, outputs by inputs. Candle's own product would reckon the matrix's
/// gradient too, and throw it away: as much work again as reading the line.
pub(crate) struct Frozen(pub(crate) Tensor);

impl Frozen {
    /// Rows by inputs to rows by outputs.
    pub(crate) fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        match rows.device() {
            Device::Cpu => rows.contiguous()?.apply_op1(Product(self.0.clone())),
            // There the waste is cheaper than an operation of our own.
            _ => rows.matmul(&self.0.t()?),
        }
    }
}

struct Product(Tensor);

impl CustomOp1 for Product {
    fn name(&self) -> &'static str {
        "product with a frozen matrix"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let all = storage.as_slice::<f32>()?;
        let values = &all[layout.start_offset()..][..layout.shape().elem_count()];
        let rows = Tensor::from_slice(values, layout.shape(), &Device::Cpu)?;
        let product = rows.matmul(&self.0.t()?)?;
        let shape = product.shape().clone();
        Ok((CpuStorage::F32(product.flatten_all()?.to_vec1()?), shape))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(gradient.contiguous()?.matmul(&self.0)?))
    }
}
